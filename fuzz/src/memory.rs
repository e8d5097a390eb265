//! A bound on the memory that a reader takes at any time.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// For each byte of the file. A JSON tree takes 40, and what is made of it stands beside it for a while.
const FACTOR: usize = 64;
/// What small files may take.
const CONSTANT: usize = 1 << 16;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: it hands everything to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may be there at once.
        take(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Ends the process where the limit is passed, so that the backtrace shows who asked.
fn take(size: usize) {
    let live = LIVE.fetch_add(size, Relaxed) + size;
    let limit = LIMIT.load(Relaxed);
    if live > limit {
        LIMIT.store(usize::MAX, Relaxed);
        eprintln!("an allocation of {size} bytes passes the limit by {}", live - limit);
        std::process::abort();
    }
}

/// Reads a file; ends the process if that takes more than 64 times its size and 64 KiB at any time.
pub fn bounded<T>(file: &[u8], read: impl FnOnce(&[u8]) -> T) -> T {
    LIMIT.store(LIVE.load(Relaxed) + FACTOR * file.len() + CONSTANT, Relaxed);
    let read = read(file);
    LIMIT.store(usize::MAX, Relaxed);
    read
}
