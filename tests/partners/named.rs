// A partner of named_partners_test.ts in Rust: named create|open NAME. See named.py for what it does. It needs no crate:
// these are functions of the C library, and Linux' numbers for them. The crate libc has both.
use std::ffi::CString;
use std::io::Error;
use std::os::raw::{c_char, c_int, c_uint, c_void};
use std::slice::from_raw_parts_mut;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use std::{env, ptr, thread};

const COUNT: usize = 1000;
const SIZE: usize = 64 + 8 * COUNT;

const O_RDWR: c_int = 0o2;
const O_CREAT: c_int = 0o100;
const O_EXCL: c_int = 0o200;
const PROT_READ: c_int = 1;
const PROT_WRITE: c_int = 2;
const MAP_SHARED: c_int = 1;

#[link(name = "rt")]
extern "C" {
    fn shm_open(name: *const c_char, flags: c_int, mode: c_uint) -> c_int;
    fn shm_unlink(name: *const c_char) -> c_int;
    fn ftruncate(fd: c_int, length: i64) -> c_int;
    fn mmap(
        address: *mut c_void,
        length: usize,
        protection: c_int,
        flags: c_int,
        fd: c_int,
        offset: i64,
    ) -> *mut c_void;
}

fn check(result: isize, what: &str) {
    if result == -1 {
        panic!("{}: {}", what, Error::last_os_error());
    }
}

fn wait_for(flag: &AtomicI32, value: i32) {
    for _ in 0..30_000 {
        if flag.load(Ordering::Acquire) == value {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("nobody came");
}

/// Has the memory mapped. It stays mapped to the end of the program.
fn map(name: &CString, creates: bool) -> *mut u8 {
    let flags = if creates { O_RDWR | O_CREAT | O_EXCL } else { O_RDWR };
    let memory = unsafe {
        let fd = shm_open(name.as_ptr(), flags, 0o600);
        check(fd as isize, "shm_open");
        if creates {
            check(ftruncate(fd, SIZE as i64) as isize, "ftruncate");
        }
        mmap(ptr::null_mut(), SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
    };
    check(memory as isize, "mmap");
    memory as *mut u8
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let creates = arguments[1] == "create";
    let name = CString::new(format!("/{}", arguments[2])).unwrap();

    let memory = map(&name, creates);
    let flag = unsafe { &*(memory as *const AtomicI32) };
    // The others have them while the flag says so. A slice must not exist meanwhile.
    let numbers = || unsafe { from_raw_parts_mut(memory.add(64) as *mut f64, COUNT) };

    if !creates {
        wait_for(flag, 1);
        numbers().iter_mut().for_each(|number| *number *= 2.0);
        flag.store(2, Ordering::Release);
        return;
    }
    for (index, number) in numbers().iter_mut().enumerate() {
        *number = index as f64;
    }
    flag.store(1, Ordering::Release);
    wait_for(flag, 2);
    for (index, number) in numbers().iter().enumerate() {
        assert_eq!(*number, 2.0 * index as f64);
    }
    check(unsafe { shm_unlink(name.as_ptr()) } as isize, "shm_unlink");
}
