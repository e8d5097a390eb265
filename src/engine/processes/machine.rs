//! What two processors must have in common for the same bits.

/// The kind of processor and the extensions that arithmetic is compiled for.
pub(super) fn machine() -> String {
    let mut words = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        let extensions = [
            ("avx", std::is_x86_feature_detected!("avx")),
            ("avx2", std::is_x86_feature_detected!("avx2")),
            ("fma", std::is_x86_feature_detected!("fma")),
            ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ];
        words.extend(extensions.iter().filter(|(_, there)| *there).map(|(name, _)| *name));
    }
    words.join(" ")
}
