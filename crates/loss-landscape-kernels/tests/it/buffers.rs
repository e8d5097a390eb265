//! Memory that begins at a cache line.

use loss_landscape_kernels::AlignedBuffer;

#[test]
fn buffers_begin_at_a_cache_line_and_hold_what_was_asked_for() {
    for len in [1, 15, 16, 17, 1000] {
        let mut buffer = AlignedBuffer::<f64>::new(len);
        assert_eq!((buffer.len(), buffer.as_ptr().addr() % 64), (len, 0));
        buffer[len - 1] = 1.0;
        assert_eq!(buffer.iter().sum::<f64>(), 1.0);
    }
    assert!(AlignedBuffer::<f32>::new(0).is_empty());
}
