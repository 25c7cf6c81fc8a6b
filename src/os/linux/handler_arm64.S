// The signal handler of the guard, for Linux on AArch64. The bytes are in handler_arm64.ts; a test assembles this file
// and compares.
//
//   void handler(int signal /* w0 */, siginfo_t *info /* x1 */, ucontext_t *context /* x2 */)
//
// What it does, and why it may, is said in handler_x64.S, which it follows step by step. A system call changes x0 only.

        .include "layout.S"

        // Header, behind the first word.
        .set    OLD_SIGBUS, 16
        .set    OLD_SIGSEGV, 24
        .set    DEFAULT_ACTION, 32
        .set    IDLE, 32

        .set    SIGBUS, 7
        .set    SIGSEGV, 11
        .set    BUS_ADRALN, 1
        .set    SEGV_ACCERR, 2
        .set    INFO_CODE, 8
        .set    INFO_ADDRESS, 16
        .set    CONTEXT_MASK, 40
        .set    CONTEXT_PC, 440

        .set    SYS_OPENAT, 56
        .set    SYS_CLOSE, 57
        .set    SYS_PREAD64, 67
        .set    SYS_FUTEX, 98
        .set    SYS_TGKILL, 131
        .set    SYS_RT_SIGACTION, 134
        .set    SYS_RT_SIGPROCMASK, 135
        .set    SYS_GETPID, 172
        .set    SYS_GETTID, 178
        .set    SYS_MUNMAP, 215
        .set    SYS_MREMAP, 216
        .set    SYS_MMAP, 222
        .set    SYS_MPROTECT, 226
        .set    SYS_PROCESS_VM_READV, 270
        .set    READ, 1
        .set    READ_WRITE, 3
        .set    PRIVATE_ANONYMOUS, 0x22
        .set    SHARED_ANONYMOUS, 0x21
        .set    AT_FDCWD, -100
        .set    READ_CLOEXEC, 0x80000
        .set    FIXED, 0x10
        .set    FIXED_NOREPLACE, 0x100000
        .set    NORESERVE, 0x4000
        .set    MAYMOVE, 1
        .set    MAYMOVE_FIXED, 3
        .set    SIG_SETMASK, 2
        .set    AROUND, 0x10000
        .set    ESRCH, 3
        .set    EFAULT, 14
        .set    EINVAL, 22
        .set    REQUEUE, 0x84
        .set    WAKE_OP, 0x85
        .set    ADD_NOTHING, 0x10000800

        // x13 to x14: the region; x15: the copy; x16: the page, mapped a second time; x19: the header; w20, x21, x22:
        // the arguments; x23: the address, and then its page; x24: the entry; x25: the size of a page; w26: the
        // sequence of the entry; w27: what is done with stores; x28: where to return, to the code that ends the signal.
        .text
handler:
        adr     x19, handler - CODE + HEADER
        mov     w20, w0                 // kept for chain, which needs the arguments as they were
        mov     x21, x1
        mov     x22, x2
        mov     x28, x30

        ldr     w9, [x1, #INFO_CODE]
        ldr     x23, [x1, #INFO_ADDRESS]
        cmp     w9, #0
        b.le    chain                   // sent by a process, not caused by an access
        ldr     x10, [x2, #CONTEXT_PC]
        adr     x11, copying
        cmp     x10, x11
        b.eq    interrupted
        cmp     w0, #SIGBUS
        b.ne    1f
        cmp     w9, #BUS_ADRALN
        b.eq    chain
        b       find
1:      cmp     w9, #SEGV_ACCERR
        b.ne    chain
        cmp     x23, x10
        b.eq    chain                   // an instruction was fetched: no page of ours would ever satisfy that

find:
        bl      lookup
        b.ne    foreign
        neg     x9, x25
        and     x23, x23, x9
        cmp     w20, #SIGBUS
        b.ne    denied

        bl      writable
        b.ge    done                    // another thread was faster, or the file has its end back
        mov     x0, x23
        bl      readable
        b.ne    refused

        // The page is lost: zeros take its place. Shared memory is not limited where private memory is (RLIMIT_DATA).
        mov     x0, x23
        mov     x1, x25
        mov     w3, #(PRIVATE_ANONYMOUS | FIXED | NORESERVE)
        bl      map
        cmp     x0, x23
        b.eq    one
        mov     x0, x23
        mov     w3, #(SHARED_ANONYMOUS | FIXED | NORESERVE)
        bl      map
        cmp     x0, x23
        b.ne    whole

        // Counts one page in the entry, if that is still the one that was found; otherwise in the one that has the page
        // now. With the instructions that every AArch64 has.
one:
        add     x12, x24, #SEQUENCE
        mov     x11, #(1 << 32)
2:      ldaxr   x10, [x12]              // and the faults, which are the upper half
        cmp     w10, w26
        b.ne    3f
        add     x10, x10, x11
        stlxr   w9, x10, [x12]
        cbnz    w9, 2b
done:
        ret     x28
3:      clrex
        bl      lookup
        b.eq    one
        ret     x28

        // In no region. Memory that was blanked has left the table, but a fault in what was there before may still come
        // here. It cannot fault again, so whoever it belongs to, the access is simply tried again if the page allows it.
foreign:
        bl      writable
        b.ge    done
        b       chain

        // The page is there, but does not allow the access. If only this process has it, it may be written to.
denied:
        tst     w27, #UNCOUNTED
        b.eq    4f

        // An atomic instruction: one that loads or stores exclusively or in order, or that does both at once.
        ldr     x0, [x22, #CONTEXT_PC]
        bl      readable
        b.eq    4f
        ldr     x9, [x22, #CONTEXT_PC]
        ldr     w10, [x9]
        and     w9, w10, #0x3f000000
        mov     w11, #0x08000000
        cmp     w9, w11
        b.eq    3f
        mov     w11, #0x0c00
        movk    w11, #0x3f20, lsl #16
        and     w9, w10, w11
        mov     w11, #0x38200000
        cmp     w9, w11
        b.ne    4f
3:      and     w27, w27, #~UNCOUNTED
4:      tst     w27, #MAKE_WRITABLE
        b.eq    copy
        tst     w27, #UNCOUNTED
        b.ne    4f
        bl      writable
        b.ge    done                    // allowed by now
4:      mov     x0, x23
        add     x1, x23, x25
        tst     w27, #UNCOUNTED
        b.eq    5f
        and     x0, x23, #-AROUND       // with its neighbours, since a signal takes longer than to copy a page
        cmp     x0, x13
        csel    x0, x13, x0, lo
        orr     x1, x23, #(AROUND - 1)
        add     x1, x1, #1
        cmp     x1, x14
        csel    x1, x14, x1, hi
5:      sub     x1, x1, x0
        mov     w2, #READ_WRITE
        bl      protect
        cbnz    x0, copy
        tst     w27, #UNCOUNTED
        b.ne    stored
        bl      writable
        b.ge    one
        ret     x28                     // lost as well: counted when it is touched

        // The file system takes no stores to the page, since the disk is full or the file was made immutable.
refused:
        and     w27, w27, #~UNCOUNTED

        // A private copy takes its place.
copy:
        bl      writable
        b.ge    done                    // allowed by now
        mov     x0, #0
        mov     x1, x25
        mov     w3, #(PRIVATE_ANONYMOUS | NORESERVE)
        bl      map
        cmn     x0, #4095
        b.lo    6f
        mov     x0, #0
        mov     w3, #(SHARED_ANONYMOUS | NORESERVE)
        bl      map
        cmn     x0, #4095
        b.hs    whole
6:      mov     x15, x0
        mov     x9, x23
        bl      read_page
        b.eq    place
        cmn     x0, #EFAULT
        b.eq    7f
        mov     x0, x23                 // the kernel was told not to copy
        bl      load_page
        b.eq    place

        // It does not allow loads either, or is lost. Without /proc, memory that is shared can be mapped a second time,
        // where nobody else changes what it allows.
7:      bl      read_protected
        b.eq    place
        mov     x0, x23
        mov     x1, #0
        mov     x2, x25
        mov     w3, #MAYMOVE
        mov     w8, #SYS_MREMAP
        svc     #0
        cmn     x0, #EINVAL
        b.eq    unshared
        cmn     x0, #4095
        b.hs    8f
        mov     x16, x0
        mov     x1, x25
        mov     w2, #READ
        bl      protect
        mov     x9, x16
        bl      read_page
        b.eq    9f
        mov     x0, x16
        bl      load_page
        b.eq    9f
        and     w27, w27, #~UNCOUNTED
9:      mov     x0, x16
        mov     x1, x25
        mov     w8, #SYS_MUNMAP
        svc     #0
        b       place

        // It has been replaced before, so it is private by now.
unshared:
        mov     x0, x23
        mov     x1, x25
        mov     w2, #READ_WRITE
        bl      protect
        cbnz    x0, 8f
        bl      discard
        b       placed

        // The kernel copies from no device, and may have reached a limit.
8:      mov     x0, x23
        bl      load_page
        b.eq    place

lost_too:
        and     w27, w27, #~UNCOUNTED   // what the copy lacks is zeros: counted in any case

place:
        bl      is_current
        b.ne    gone
        mov     x0, x15
        mov     x1, x25
        mov     x2, x25
        mov     w3, #MAYMOVE_FIXED
        mov     x4, x23
        mov     w8, #SYS_MREMAP
        svc     #0
        cmp     x0, x23
        b.eq    placed
        bl      discard
        b       whole

gone:
        bl      discard
        b       find

placed:
        tst     w27, #UNCOUNTED
        b.eq    one
stored:
        add     x12, x24, #UNIT
10:     ldxr    w10, [x12]
        orr     w10, w10, #STORED
        stxr    w9, w10, [x12]
        cbnz    w9, 10b
        ret     x28

        // Too many mappings already to put one more in. What only this process has may be written to as a whole, which
        // takes none. Everything else becomes zeros, by way of a hole at worst.
whole:
        bl      is_current
        b.ne    find
        cmp     w20, #SIGBUS
        b.eq    11f
        tst     w27, #MAKE_WRITABLE
        b.eq    11f
        mov     x0, x13
        sub     x1, x14, x13
        mov     w2, #READ_WRITE
        bl      protect
        cbz     x0, placed
11:     mov     w3, #(SHARED_ANONYMOUS | FIXED | NORESERVE)
        bl      map_region
        b.eq    all
        mov     x0, x13
        mov     w8, #SYS_MUNMAP
        svc     #0
        mov     w3, #(SHARED_ANONYMOUS | NORESERVE)
        orr     w3, w3, #FIXED_NOREPLACE
        bl      map_region
        b.ne    chain
all:
        udiv    x9, x1, x25
        str     w9, [x24, #FAULTS]
        ret     x28

        // Which entry does the address in x23 lie in? Equal if there is one. An entry may change while it is read, but
        // then its sequence does. An entry of a thread that has ended does not count: see ended in handler_x64.S.
lookup:
        ldr     w11, [x19, #COUNT]
        cmp     w11, #0
        b.le    14f
        add     x24, x19, #(TABLE - HEADER)
12:     add     x12, x24, #SEQUENCE
        ldar    w26, [x12]
        tbz     w26, #0, 13f
        ldp     x13, x14, [x24, #START]
        ldp     w27, w2, [x24, #UNIT]   // and the thread
        cmp     x23, x13
        b.lo    13f
        cmp     x23, x14
        b.hs    13f
        dmb     ishld
        ldr     w10, [x12]
        cmp     w26, w10
        b.ne    13f
        cbz     w2, 15f
        tbz     w27, #OUTLIVES_BIT, 16f
        cmp     w20, #SIGBUS
        b.eq    15f
16:
        mov     w8, #SYS_GETPID
        svc     #0
        mov     w1, w2
        mov     w2, #0                  // no signal: only asks
        mov     w8, #SYS_TGKILL
        svc     #0
        cmn     x0, #ESRCH
        b.ne    15f
13:     add     x24, x24, #ENTRY_SIZE
        subs    w11, w11, #1
        b.ne    12b
14:     cmp     x19, #0                 // not equal
        ret
15:     and     w25, w27, #UNIT_MASK
        cmp     w25, w25
        ret

        // Whether the entry is still the one that was found; equal if so.
is_current:
        add     x12, x24, #SEQUENCE
        ldar    w10, [x12]
        cmp     w10, w26
        ret

        // Maps the region with the flags in w3; equal if that worked. x1 is its length then.
map_region:
        mov     x0, x13
        sub     x1, x14, x13
        mov     x7, x30
        bl      map
        cmp     x0, x13
        ret     x7

        // mmap(x0, x1, READ_WRITE, x3, -1, 0)
map:
        mov     w2, #READ_WRITE
        mov     x4, #-1
        mov     x5, #0
        mov     w8, #SYS_MMAP
        svc     #0
        ret

        // mprotect(x0, x1, w2)
protect:
        mov     w8, #SYS_MPROTECT
        svc     #0
        ret

        // Gives up the copy.
discard:
        mov     x0, x15
        mov     x1, x25
        mov     w8, #SYS_MUNMAP
        svc     #0
        ret

        // Has the kernel copy the page at x9 to the copy; equal if all of it was there.
read_page:
        stp     x15, x25, [sp, #-32]!   // two of struct iovec
        stp     x9, x25, [sp, #16]
        mov     w8, #SYS_GETPID
        svc     #0
        mov     x1, sp
        mov     x2, #1
        add     x3, sp, #16
        mov     x4, #1
        mov     x5, #0
        mov     w8, #SYS_PROCESS_VM_READV
        svc     #0
        add     sp, sp, #32
        cmp     x0, x25
        ret

        // Has the kernel copy the page at x23 to the copy, whatever it allows; equal if all of it was there.
read_protected:
        mov     x0, #AT_FDCWD
        adr     x1, memory
        mov     x2, #READ_CLOEXEC
        mov     w8, #SYS_OPENAT
        svc     #0
        tbnz    x0, #63, 17f
        mov     x12, x0
        mov     x1, x15
        mov     x2, x25
        mov     x3, x23
        mov     w8, #SYS_PREAD64
        svc     #0
        mov     x9, x0
        mov     x0, x12
        mov     w8, #SYS_CLOSE
        svc     #0
        cmp     x9, x25
        ret
17:     cmp     x19, #0                 // not equal
        ret
memory: .asciz  "/proc/self/mem"
        .balign 4

        // Loads the page at x0 into the copy; equal if all of it was there. It looks first, so that it seldom interrupts
        // itself.
load_page:
        mov     x6, x30
        mov     x12, x0
        mov     x9, #0
        bl      readable
        b.eq    copied
copying:
        ldr     x10, [x12, x9]
        str     x10, [x15, x9]
        add     x9, x9, #8
        cmp     x9, x25
        b.lo    copying
copied:
        cmp     x9, x25
        ret     x6

        // Whether the page at x0 can be loaded from: has the kernel look at the word there. Equal if it cannot.
readable:
        mov     x7, x30
        add     x4, x19, #IDLE
        mov     w1, #REQUEUE
        bl      futex
        cmn     x0, #EFAULT
        ret     x7

        // Whether the address in x23 can be stored to: has the kernel add 0 to the word there. Negative if it cannot.
writable:
        add     x0, x19, #IDLE
        and     x4, x23, #~3
        mov     w1, #WAKE_OP
        mov     w5, #(ADD_NOTHING & 0xffff)
        movk    w5, #(ADD_NOTHING >> 16), lsl #16
futex:
        mov     x2, #0
        mov     x3, #0
        mov     w8, #SYS_FUTEX
        svc     #0
        cmp     x0, #0
        ret

        // The load of a page has failed. Goes on behind it.
interrupted:
        adr     x9, copied
        str     x9, [x2, #CONTEXT_PC]
        ret

        // Not ours: to the handler that was there before, as if it had been called by the kernel.
chain:
        ldr     x9, [x22, #CONTEXT_MASK]
        sub     w10, w20, #1
        mov     x11, #1
        lsl     x11, x11, x10
        orr     x9, x9, x11             // its own signal waits
        str     x9, [sp, #-16]!
        mov     x0, #SIG_SETMASK
        mov     x1, sp
        mov     x2, #0
        mov     x3, #8
        mov     w8, #SYS_RT_SIGPROCMASK
        svc     #0
        add     sp, sp, #16
        mov     w0, w20
        mov     x1, x21
        mov     x2, x22
        mov     x30, x28
        ldr     x9, [x19, #OLD_SIGBUS]
        cmp     w0, #SIGBUS
        b.eq    18f
        ldr     x9, [x19, #OLD_SIGSEGV]
18:     cmp     x9, #1
        b.hi    19f
        b.lo    default                 // SIG_DFL
        ldr     w10, [x1, #INFO_CODE]
        cmp     w10, #0
        b.gt    default                 // SIG_IGN does not hold for faults: they would go on for ever
        ret
19:     br      x9

        // What the system does without any handler: the access is tried again and ends the process as it should.
default:
        add     x1, x19, #DEFAULT_ACTION
        mov     x2, #0
        mov     x3, #8
        mov     w8, #SYS_RT_SIGACTION
        svc     #0
        ldr     w10, [x21, #INFO_CODE]
        cmp     w10, #0
        b.gt    20f
        mov     w8, #SYS_GETPID         // sent: once more, since nothing is tried again
        svc     #0
        mov     x23, x0
        mov     w8, #SYS_GETTID
        svc     #0
        mov     x1, x0
        mov     x0, x23
        mov     w2, w20
        mov     w8, #SYS_TGKILL
        svc     #0
20:     ret     x28
