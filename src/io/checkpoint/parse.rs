//! Safetensors files that nobody vouches for.

use std::collections::HashMap;

use safetensors::{SafeTensorError, SafeTensors, tensor::Metadata};

use crate::{Error, Result};

/// The most bytes of a header, as the format has it.
const MAX_HEADER: u64 = 100_000_000;

/// The tensors of a file, checked by the crate `safetensors`, which adds up sizes without looking out for
/// overflow (0.8.0: a panic where overflow is checked). So no number in the header may come near.
pub(super) fn parse(bytes: &[u8]) -> Result<SafeTensors<'_>> {
    if let Some((length, rest)) = bytes.split_first_chunk::<8>() {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if rest.get(..length).is_some_and(has_huge_number) {
            return Err(damaged(SafeTensorError::ValidationOverflow));
        }
    }
    // Only now: the length of a header may begin with the same bytes as a pickle.
    SafeTensors::deserialize(bytes).map_err(|error| match by_pytorch(bytes) {
        Some(found) => Error::PyTorchFile { found },
        None => damaged(error),
    })
}

/// What other kind of file it is by its first bytes, if `torch.save` writes such files.
fn by_pytorch(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'P', b'K', 3, 4, ..] => Some("a zip archive, as PyTorch's `torch.save` writes (.pt, .pth)"),
        // The opcode PROTO and a protocol that there is.
        [0x80, 1..=5, ..] => {
            Some("a Python pickle, as older versions of PyTorch's `torch.save` write (.pt, .pth)")
        }
        _ => None,
    }
}

/// The header of a file of so many bytes, from its first bytes alone, and where the values begin; `read` fills what it
/// is given with the bytes that come next.
pub(super) fn header(length: u64, mut read: impl FnMut(&mut [u8]) -> Result<()>) -> Result<(u64, Metadata)> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| Error::Safetensors { source };
    if length < 8 {
        return Err(damaged(SafeTensorError::HeaderTooSmall));
    }
    let mut first = [0; 8];
    read(&mut first)?;
    let size = u64::from_le_bytes(first);
    if size > MAX_HEADER.min(length - 8) {
        return Err(match by_pytorch(&first) {
            Some(found) => Error::PyTorchFile { found },
            None if size > MAX_HEADER => damaged(SafeTensorError::HeaderTooLarge),
            None => damaged(SafeTensorError::InvalidHeaderLength),
        });
    }
    let mut json = vec![0; size as usize];
    read(&mut json)?;
    if has_huge_number(&json) {
        return Err(damaged(SafeTensorError::ValidationOverflow));
    }
    // It checks that tensors follow each other without gaps, and are as long as their shapes say.
    let metadata: Metadata = serde_json::from_slice(&json).map_err(|error| wrong(Box::new(error)))?;
    if 8 + size + metadata.data_len() as u64 != length {
        return Err(damaged(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok((8 + size, metadata))
}

/// An error of the crate `safetensors`, whose types are not part of ours.
pub(super) fn damaged(error: SafeTensorError) -> Error {
    Error::Safetensors { source: Box::new(error) }
}

/// The file's own data.
pub(super) fn metadata(bytes: &[u8]) -> Result<HashMap<String, String>> {
    // Refuses what the other function of the crate would stumble over.
    parse(bytes)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    // Without its feature `std` the crate has a map of its own.
    Ok(metadata.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Whether JSON has a number of more than 18 digits outside its strings; below 10¹⁸ nothing overflows.
fn has_huge_number(json: &[u8]) -> bool {
    let (mut inside, mut escaped, mut digits) = (false, false, 0);
    for &byte in json {
        digits = if !inside && byte.is_ascii_digit() { digits + 1 } else { 0 };
        if digits > 18 {
            return true;
        }
        inside ^= byte == b'"' && !escaped;
        escaped = inside && byte == b'\\' && !escaped;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, Layout, from_checkpoint_bytes, to_checkpoint_bytes};

    /// A file with this header and so many bytes of values.
    fn raw(header: &str, values: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; values]].concat()
    }

    #[test]
    fn sizes_that_lie_are_refused_before_anything_is_allocated() {
        let flat = Layout::flat(2).unwrap();
        let entry = |shape: &str, offsets: &str| {
            format!(r#"{{"theta":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        for (shape, offsets) in [
            ("[2]", "[0,16]"),
            ("[2]", "[8,16]"),
            ("[2]", "[8,0]"),
            ("[4611686018427387904]", "[0,8]"),
            ("[18446744073709551615,2]", "[0,8]"),
            ("[99999999999999999999]", "[0,8]"),
            ("[100000000000000000,100000000000000000]", "[0,8]"),
            ("[250000000000]", "[0,1000000000000]"),
            ("[-2]", "[0,8]"),
            ("[2.0]", "[0,8]"),
        ] {
            let error = from_checkpoint_bytes::<f32>(&flat, &raw(&entry(shape, offsets), 8)).unwrap_err();
            assert!(matches!(error, Error::Safetensors { .. }), "{shape} {offsets}: {error}");
        }
        assert!(from_checkpoint_bytes::<f32>(&flat, &raw(&entry("[2]", "[0,8]"), 8)).is_ok());
        let length = |length: u64| [&length.to_le_bytes()[..], b"{}"].concat();
        for lie in [3, 1 << 40, u64::MAX, u64::MAX - 7] {
            assert!(
                matches!(from_checkpoint_bytes::<f32>(&flat, &length(lie)), Err(Error::Safetensors { .. })),
                "{lie}"
            );
        }
        // No tensors at all is a valid file, of no use.
        assert!(matches!(from_checkpoint_bytes::<f32>(&flat, &length(2)), Err(Error::Checkpoint { .. })));
        // A layout that no file can hold.
        let huge = Layout::flat(usize::MAX / 16).unwrap();
        assert!(matches!(from_checkpoint_bytes::<f32>(&huge, &length(2)), Err(Error::Checkpoint { .. })));
    }

    #[test]
    fn files_of_pytorch_are_named() {
        let flat = Layout::flat(2).unwrap();
        let error = |bytes: &[u8]| from_checkpoint_bytes::<f32>(&flat, bytes).unwrap_err();
        // The beginnings of what torch.save writes now, and did before 1.6.
        let zip = b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0archive/data.pklFB";
        let pickle = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
        for (bytes, kind) in
            [(&zip[..], "a zip archive"), (pickle, "a Python pickle"), (b"\x80\x04\x95", "a Python")]
        {
            let text = error(bytes).to_string();
            assert!(text.starts_with("not a safetensors file but ") && text.contains(kind), "{text}");
            assert!(text.contains("save_file(torch.load(") && text.contains("weights_only=True"), "{text}");
        }
        for other in [&b"PK\x05\x06"[..], b"\x80\x06", b"\x80", b"{}", b""] {
            assert!(matches!(error(other), Error::Safetensors { .. }));
        }
        // A header of 0x0280 bytes begins as a pickle does.
        let layout = Layout::new([Block::bias("n".repeat(0x280 - 63), [2])]).unwrap();
        let file = (0..64)
            .map(|pad| {
                raw(
                    &format!(
                        "{{\"{}\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}}}{}",
                        layout.blocks()[0].name(),
                        " ".repeat(pad)
                    ),
                    8,
                )
            })
            .find(|file| file.starts_with(&[0x80, 2]))
            .unwrap();
        assert_eq!(from_checkpoint_bytes::<f32>(&layout, &file).unwrap().theta, [0.0; 2]);
    }

    #[test]
    fn sizes_whose_sum_overflows_are_refused() {
        let size = (1_u64 << 61) - 1;
        let entries: Vec<String> = (0..8)
            .map(|i| {
                let offsets = [i * size, (i + 1) * size];
                format!(r#""t{i}":{{"dtype":"U8","shape":[{size}],"data_offsets":{offsets:?}}}"#)
            })
            .collect();
        let bytes = raw(&format!("{{{}}}", entries.join(",")), 0);
        let error = from_checkpoint_bytes::<f32>(&Layout::flat(2).unwrap(), &bytes).unwrap_err();
        let overflow = damaged(SafeTensorError::ValidationOverflow);
        assert!(
            matches!(error, Error::Safetensors { .. }) && error.to_string() == overflow.to_string(),
            "{error}"
        );
        // A name may be any number.
        let name = "1234567890123456789\\\"1234567890123456789";
        let layout = Layout::new([Block::bias(name, [2])]).unwrap();
        assert!(
            from_checkpoint_bytes::<f32>(&layout, &to_checkpoint_bytes(&layout, &[0.0_f32; 2]).unwrap())
                .is_ok()
        );
        assert!(
            has_huge_number(br#""\\"1234567890123456789"#) && !has_huge_number(br#""\"1234567890123456789"#)
        );
    }

    #[test]
    fn tensors_that_overlap_or_leave_gaps_are_refused() {
        let flat = Layout::new([Block::bias("a", [2]), Block::bias("b", [2])]).unwrap();
        let two = |a: &str, b: &str| {
            let entry = |name: &str, offsets: &str| {
                format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}"#)
            };
            raw(&format!("{{{},{}}}", entry("a", a), entry("b", b)), 16)
        };
        assert!(from_checkpoint_bytes::<f32>(&flat, &two("[8,16]", "[0,8]")).is_ok());
        for (a, b) in [("[0,8]", "[0,8]"), ("[0,8]", "[4,12]"), ("[0,8]", "[12,20]"), ("[0,8]", "[8,15]")] {
            let error = from_checkpoint_bytes::<f32>(&flat, &two(a, b)).unwrap_err();
            assert!(matches!(error, Error::Safetensors { .. }), "{a} {b}: {error}");
        }
    }
}
