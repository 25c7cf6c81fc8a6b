# The signal handler of the guard, for Linux on x86-64. The bytes are in handler_x64.ts. A test assembles this file and
# compares the two.
#
#   void handler(int signal /* edi */, siginfo_t *info /* rsi */, ucontext_t *context /* rdx */)
#
# It is entered for SIGBUS and SIGSEGV. If the address that faulted lies in a region of the table, it puts memory there
# that can be accessed, counts the page, and returns, so that the instruction runs again. Everything else goes on to the
# handler that was there before.
#
# It makes system calls and nothing else: no locks, no C library, no memory but the table, the signal's own stack and
# the page. It may be interrupted by itself: copying a page may fault in turn. Two threads may replace the same page;
# then what one of them stored may be gone, from a page that is counted as lost.
#
# All registers may be changed, since the kernel restores those of the interrupted code from the signal frame. Only rbp
# is left as it is, because the handler that was there before may want to walk the stack.

        .intel_syntax noprefix
        .include "layout.S"
        .include "lookup_x64.S"

        # Header, behind the first word.
        .set    OLD_SIGBUS, 16          # the handler that was there before
        .set    OLD_SIGSEGV, 24
        .set    DEFAULT_ACTION, 32      # a kernel sigaction of zeros: SIG_DFL

        .set    SIGBUS, 7
        .set    SIGSEGV, 11
        .set    BUS_ADRALN, 1
        .set    SEGV_ACCERR, 2
        .set    INFO_CODE, 8
        .set    INFO_ADDRESS, 16
        .set    CONTEXT_ERROR, 192      # of the page fault
        .set    INSTRUCTION_FETCH, 0x10

        .set    SYS_MMAP, 9
        .set    SYS_MPROTECT, 10
        .set    SYS_MUNMAP, 11
        .set    SYS_RT_SIGACTION, 13
        .set    SYS_MREMAP, 25
        .set    SYS_GETPID, 39
        .set    SYS_GETTID, 186
        .set    SYS_TGKILL, 234
        .set    READ, 1
        .set    READ_WRITE, 3
        .set    PRIVATE_ANONYMOUS, 0x22
        .set    SHARED_ANONYMOUS, 0x21
        .set    FIXED, 0x10
        .set    FIXED_NOREPLACE, 0x100000
        .set    NORESERVE, 0x4000
        .set    MAYMOVE_FIXED, 3

        # On the stack.
        .set    SIGNAL, 0
        .set    CONTEXT, 8
        .set    REGION_START, 16
        .set    REGION_END, 24
        .set    FRAME_SIZE, 40

        .text
handler:
        endbr64
        sub     rsp, FRAME_SIZE
        mov     [rsp + SIGNAL], rdi     # kept for chain, which needs the arguments as they were
        mov     [rsp + CONTEXT], rdx
        mov     r15, rsi
        lea     r12, [rip + handler - CODE + HEADER]

        mov     eax, [rsi + INFO_CODE]
        mov     r14, [rsi + INFO_ADDRESS]
        test    eax, eax
        jle     chain                   # sent by a process, not caused by an access
        cmp     edi, SIGBUS
        jne     1f
        cmp     eax, BUS_ADRALN
        je      chain
        jmp     find
1:      cmp     eax, SEGV_ACCERR
        jne     chain
        test    byte ptr [rdx + CONTEXT_ERROR], INSTRUCTION_FETCH
        jnz     chain                   # no page of ours would ever satisfy that

find:
        lookup  otherwise=chain
        mov     [rsp + REGION_START], r8
        mov     [rsp + REGION_END], r9
        mov     rax, r13
        neg     rax
        and     r14, rax                # the page
        cmp     dword ptr [rsp + SIGNAL], SIGBUS
        jne     denied

        # The page is lost: zeros take its place. Shared memory is not limited where private memory is (RLIMIT_DATA).
        mov     rdi, r14
        mov     rsi, r13
        mov     r10d, PRIVATE_ANONYMOUS | FIXED | NORESERVE
        call    map
        cmp     rax, r14
        je      one
        mov     r10d, SHARED_ANONYMOUS | FIXED | NORESERVE
        call    map
        cmp     rax, r14
        jne     whole
one:
        lock inc dword ptr [rbx + FAULTS]
        jmp     done

        # The page is there, but does not allow the access: a private copy takes its place.
denied:
        mov     rdi, r14
        mov     rsi, r13
        mov     edx, READ
        mov     eax, SYS_MPROTECT
        syscall
        test    rax, rax
        jnz     whole
        xor     edi, edi
        mov     rsi, r13
        mov     r10d, PRIVATE_ANONYMOUS | NORESERVE
        call    map
        cmp     rax, -4096
        jbe     4f
        mov     r10d, SHARED_ANONYMOUS | NORESERVE
        call    map
        cmp     rax, -4096
        ja      whole
4:      mov     r9, rax                 # the copy
        mov     r8d, [rbx + FAULTS]
        mov     rdi, rax
        mov     rsi, r14
        mov     rcx, r13
        cld
        rep movsb
        sub     r8d, [rbx + FAULTS]     # 0, unless the page was lost and counted when it was copied
        push    r8
        mov     rdi, r9
        mov     rsi, r13
        mov     rdx, r13
        mov     r10d, MAYMOVE_FIXED
        mov     r8, r14
        mov     eax, SYS_MREMAP
        syscall
        pop     r8
        cmp     rax, r14
        jne     5f
        test    r8d, r8d
        jz      one
        jmp     done
5:      mov     rdi, r9
        mov     rsi, r13
        mov     eax, SYS_MUNMAP
        syscall

        # Too many mappings already to put one more in: all of the region becomes zeros. Beyond the limit only munmap
        # works, so that there is a hole for a moment; where another thread's memory falls into it, that is not replaced.
whole:
        mov     r10d, SHARED_ANONYMOUS | FIXED | NORESERVE
        call    map_region
        je      all
        mov     eax, SYS_MUNMAP
        syscall
        mov     r10d, SHARED_ANONYMOUS | FIXED_NOREPLACE | NORESERVE
        call    map_region
        jne     chain
all:
        mov     rax, [rsp + REGION_END]
        sub     rax, [rsp + REGION_START]
        xor     edx, edx
        div     r13
        mov     [rbx + FAULTS], eax
done:
        add     rsp, FRAME_SIZE
        ret

        # Maps the region with the flags in r10; equal where that worked. Called, so the frame is 8 bytes further.
map_region:
        mov     rdi, [rsp + 8 + REGION_START]
        mov     rsi, [rsp + 8 + REGION_END]
        sub     rsi, rdi
        call    map
        cmp     rax, rdi
        ret

        # mmap(rdi, rsi, READ_WRITE, r10, -1, 0)
map:
        mov     edx, READ_WRITE
        mov     r8, -1
        xor     r9d, r9d
        mov     eax, SYS_MMAP
        syscall
        ret

        # Not ours: to the handler that was there before, as if it had been called by the kernel.
chain:
        mov     rdi, [rsp + SIGNAL]
        mov     rdx, [rsp + CONTEXT]
        mov     rsi, r15
        add     rsp, FRAME_SIZE
        mov     rax, [r12 + OLD_SIGBUS]
        cmp     edi, SIGBUS
        je      6f
        mov     rax, [r12 + OLD_SIGSEGV]
6:      cmp     rax, 1
        ja      7f
        jb      default                 # SIG_DFL
        cmp     dword ptr [rsi + INFO_CODE], 0
        jg      default                 # SIG_IGN does not hold for faults: they would go on for ever
        ret
7:      jmp     rax

        # What the system does without any handler: the access is tried again and ends the process as it should.
default:
        mov     ebx, edi
        lea     rsi, [r12 + DEFAULT_ACTION]
        xor     edx, edx
        mov     r10d, 8
        mov     eax, SYS_RT_SIGACTION
        syscall
        cmp     dword ptr [r15 + INFO_CODE], 0
        jg      8f
        mov     eax, SYS_GETPID         # sent: once more, since nothing is tried again
        syscall
        mov     r13, rax
        mov     eax, SYS_GETTID
        syscall
        mov     rdi, r13
        mov     rsi, rax
        mov     edx, ebx
        mov     eax, SYS_TGKILL
        syscall
8:      ret
