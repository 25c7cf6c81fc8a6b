// The signal handler of the guard, for Linux on AArch64. The bytes are in handler_arm64.ts. A test assembles this file
// and compares the two.
//
//   void handler(int signal /* w0 */, siginfo_t *info /* x1 */, ucontext_t *context /* x2 */)
//
// It follows handler_x64.S step by step, which says what it does and why. A system call changes only x0.

        .include "layout.S"

        // Header, behind the first word.
        .set    OLD_SIGBUS, 16
        .set    OLD_SIGSEGV, 24
        .set    DEFAULT_ACTION, 32

        .set    SIGBUS, 7
        .set    SIGSEGV, 11
        .set    BUS_ADRALN, 1
        .set    SEGV_ACCERR, 2
        .set    INFO_CODE, 8
        .set    INFO_ADDRESS, 16
        .set    CONTEXT_PC, 440

        .set    SYS_TGKILL, 131
        .set    SYS_RT_SIGACTION, 134
        .set    SYS_GETPID, 172
        .set    SYS_GETTID, 178
        .set    SYS_MUNMAP, 215
        .set    SYS_MREMAP, 216
        .set    SYS_MMAP, 222
        .set    SYS_MPROTECT, 226
        .set    READ, 1
        .set    READ_WRITE, 3
        .set    PRIVATE_ANONYMOUS, 0x22
        .set    SHARED_ANONYMOUS, 0x21
        .set    FIXED, 0x10
        .set    FIXED_NOREPLACE, 0x100000
        .set    NORESERVE, 0x4000
        .set    MAYMOVE_FIXED, 3

        .text
handler:
        adr     x19, handler - CODE + HEADER
        mov     w20, w0                 // kept for chain, which needs the arguments as they were
        mov     x21, x1
        mov     x22, x2
        mov     x28, x30                // where to return: to the code that ends the signal

        ldr     w9, [x1, #INFO_CODE]
        ldr     x23, [x1, #INFO_ADDRESS]
        cmp     w9, #0
        b.le    chain                   // sent by a process, not caused by an access
        cmp     w0, #SIGBUS
        b.ne    1f
        cmp     w9, #BUS_ADRALN
        b.eq    chain
        b       lookup
1:      cmp     w9, #SEGV_ACCERR
        b.ne    chain
        ldr     x10, [x2, #CONTEXT_PC]
        cmp     x23, x10
        b.eq    chain                   // an instruction was fetched: no page of ours would ever satisfy that

        // Which entry does the address lie in? An entry may change while it is read, but then its sequence does.
lookup:
        ldr     w11, [x19, #COUNT]
        cmp     w11, #0
        b.le    chain
        add     x24, x19, #(TABLE - HEADER)
2:      add     x12, x24, #SEQUENCE
        ldar    w9, [x12]
        tbz     w9, #0, 3f
        ldp     x13, x14, [x24, #START]
        ldr     w25, [x24, #UNIT]
        cmp     x23, x13
        b.lo    3f
        cmp     x23, x14
        b.hs    3f
        dmb     ishld
        ldr     w10, [x12]
        cmp     w9, w10
        b.eq    found
3:      add     x24, x24, #ENTRY_SIZE
        subs    w11, w11, #1
        b.ne    2b
        b       chain

        // x13 to x14: the region; x23: the page; w25: its size; x26: where it is counted.
found:
        neg     x9, x25
        and     x23, x23, x9
        add     x26, x24, #FAULTS
        cmp     w20, #SIGBUS
        b.ne    denied

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

        // Counts one page, with the instructions that every AArch64 has.
one:
        ldxr    w10, [x26]
        add     w10, w10, #1
        stxr    w11, w10, [x26]
        cbnz    w11, one
        ret     x28

        // The page is there, but does not allow the access: a private copy takes its place.
denied:
        mov     x0, x23
        mov     x1, x25
        mov     w2, #READ
        mov     w8, #SYS_MPROTECT
        svc     #0
        cbnz    x0, whole
        mov     x0, #0
        mov     x1, x25
        mov     w3, #(PRIVATE_ANONYMOUS | NORESERVE)
        bl      map
        cmn     x0, #4095
        b.lo    4f
        mov     x0, #0
        mov     w3, #(SHARED_ANONYMOUS | NORESERVE)
        bl      map
        cmn     x0, #4095
        b.hs    whole
4:      mov     x27, x0                 // the copy
        ldr     w15, [x26]
        mov     x9, #0
5:      ldr     x10, [x23, x9]
        str     x10, [x0, x9]
        add     x9, x9, #8
        cmp     x9, x25
        b.lo    5b
        ldr     w16, [x26]              // the same, unless the page was lost and counted when it was copied
        mov     x1, x25
        mov     x2, x25
        mov     w3, #MAYMOVE_FIXED
        mov     x4, x23
        mov     w8, #SYS_MREMAP
        svc     #0
        cmp     x0, x23
        b.ne    6f
        cmp     w15, w16
        b.eq    one
        ret     x28
6:      mov     x0, x27
        mov     x1, x25
        mov     w8, #SYS_MUNMAP
        svc     #0

        // Too many mappings already to put one more in: all of the region becomes zeros, by way of a hole at worst.
whole:
        mov     w3, #(SHARED_ANONYMOUS | FIXED | NORESERVE)
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
        str     w9, [x26]
        ret     x28

        // Maps the region with the flags in w3; equal where that worked. x1 is its length then.
map_region:
        mov     x0, x13
        sub     x1, x14, x13
        mov     x27, x30
        bl      map
        cmp     x0, x13
        ret     x27

        // mmap(x0, x1, READ_WRITE, x3, -1, 0)
map:
        mov     w2, #READ_WRITE
        mov     x4, #-1
        mov     x5, #0
        mov     w8, #SYS_MMAP
        svc     #0
        ret

        // Not ours: to the handler that was there before, as if it had been called by the kernel.
chain:
        mov     w0, w20
        mov     x1, x21
        mov     x2, x22
        mov     x30, x28
        ldr     x9, [x19, #OLD_SIGBUS]
        cmp     w0, #SIGBUS
        b.eq    7f
        ldr     x9, [x19, #OLD_SIGSEGV]
7:      cmp     x9, #1
        b.hi    8f
        b.lo    default                 // SIG_DFL
        ldr     w10, [x1, #INFO_CODE]
        cmp     w10, #0
        b.gt    default                 // SIG_IGN does not hold for faults: they would go on for ever
        ret
8:      br      x9

        // What the system does without any handler: the access is tried again and ends the process as it should.
default:
        add     x1, x19, #DEFAULT_ACTION
        mov     x2, #0
        mov     x3, #8
        mov     w8, #SYS_RT_SIGACTION
        svc     #0
        ldr     w10, [x21, #INFO_CODE]
        cmp     w10, #0
        b.gt    9f
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
9:      ret     x28
