//! How much memory readers may hold, and an allocator that measures it. `fuzz/` uses this file too.
#![allow(
    unsafe_code,
    unreachable_pub,
    reason = "an allocator that counts is one; the fuzz targets use this too"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Bytes that a reader may hold at any moment for each byte of the file: the number of the documentation.
///
/// Measured at the worst moments, when a vector has just doubled: 48 in the JSON of a safetensors file, 42 in CSV, 35
/// in JSON, under 4 in npz; and 55 in npz where values of two bytes are not finite and each becomes a listed point.
pub const FACTOR: usize = 64;
/// What it may hold beside.
pub const CONSTANT: usize = 1 << 16;

/// Bytes that are allocated now, the most since [`peak`] began, and all ever asked for.
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);

/// Counts what it hands out of the system's memory.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: it hands everything to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may be there at once.
        count(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(block, layout, size) }
    }
}

fn count(size: usize) {
    TOTAL.fetch_add(size, Relaxed);
    PEAK.fetch_max(LIVE.fetch_add(size, Relaxed) + size, Relaxed);
}

/// What `work` returns, and the most bytes that it held at once.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let done = work();
    (done, PEAK.load(Relaxed) - before)
}

/// What `work` returns, and all bytes that it asked for, those given back too.
#[allow(dead_code, reason = "the fuzz targets look at peaks alone")]
pub fn total<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = TOTAL.load(Relaxed);
    let done = work();
    (done, TOTAL.load(Relaxed) - before)
}

/// Reads a file, and panics if that holds more than [`FACTOR`] times its size and [`CONSTANT`] at any moment.
pub fn bounded<T>(file: &[u8], read: impl FnOnce(&[u8]) -> T) -> T {
    let (read, peak) = peak(|| read(file));
    assert!(peak <= FACTOR * file.len() + CONSTANT, "{peak} bytes at once for a file of {}", file.len());
    read
}
