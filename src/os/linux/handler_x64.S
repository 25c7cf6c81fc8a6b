# The signal handler of the guard, for Linux on x86-64. The bytes are in handler_x64.ts; a test assembles this file and
# compares.
#
#   void handler(int signal /* edi */, siginfo_t *info /* rsi */, ucontext_t *context /* rdx */)
#
# It is entered for SIGBUS and SIGSEGV. If the address that faulted lies in a region of the table, it puts memory there
# that can be touched, counts the page, and returns, so that the instruction is tried again. If the memory can be touched
# by now, it only returns. Everything else goes on to the handler that was there before.
#
# It makes system calls and nothing else: no locks, no C library, no memory but the table and the signal's own stack. That
# stack may be as small as two frames, so all other signals wait until it has returned, and a page is copied by the
# kernel, which fails where a load would fault. Only if the kernel does not copy, it loads, and may interrupt itself:
# then it goes on behind the load, which has failed.
#
# Other threads may do the same, and change what the page allows, at any moment. Two threads may replace the same page;
# then what one of them stored may be gone, from a page that is counted as lost. A region may be blanked at any moment,
# too, and whoever touches what is blank would find no region. So nothing here makes a page allow less than it did.
#
# All registers may be changed, since the kernel restores those of the interrupted code from the signal frame; but the
# handler that was there before may want to walk the stack, so rbp is left as it is.

        .intel_syntax noprefix
        .include "layout.S"
        .include "lookup_x64.S"

        # Header, behind the first word.
        .set    OLD_SIGBUS, 16          # the handler that was there before
        .set    OLD_SIGSEGV, 24
        .set    DEFAULT_ACTION, 32      # a kernel sigaction of zeros: SIG_DFL
        .set    IDLE, 32                # a word of it, which nobody waits on

        .set    SIGBUS, 7
        .set    SIGSEGV, 11
        .set    BUS_ADRALN, 1
        .set    SEGV_ACCERR, 2
        .set    INFO_CODE, 8
        .set    INFO_ADDRESS, 16
        .set    CONTEXT_RIP, 168
        .set    CONTEXT_ERROR, 192      # of the page fault
        .set    INSTRUCTION_FETCH, 0x10
        .set    CONTEXT_MASK, 296       # the signals that the interrupted code has blocked

        .set    SYS_CLOSE, 3
        .set    SYS_MMAP, 9
        .set    SYS_MPROTECT, 10
        .set    SYS_MUNMAP, 11
        .set    SYS_RT_SIGACTION, 13
        .set    SYS_RT_SIGPROCMASK, 14
        .set    SYS_PREAD64, 17
        .set    SYS_MREMAP, 25
        .set    SYS_GETPID, 39
        .set    SYS_GETTID, 186
        .set    SYS_FUTEX, 202
        .set    SYS_TGKILL, 234
        .set    SYS_OPENAT, 257
        .set    SYS_PROCESS_VM_READV, 310
        .set    READ, 1
        .set    READ_WRITE, 3
        .set    PRIVATE_ANONYMOUS, 0x22
        .set    SHARED_ANONYMOUS, 0x21
        .set    AT_FDCWD, -100
        .set    READ_CLOEXEC, 0x80000   # O_RDONLY | O_CLOEXEC
        .set    FIXED, 0x10
        .set    FIXED_NOREPLACE, 0x100000
        .set    NORESERVE, 0x4000
        .set    MAYMOVE, 1
        .set    MAYMOVE_FIXED, 3
        .set    SIG_SETMASK, 2
        .set    AROUND, 0x10000         # what the kernel takes for the neighbours of a page to read it in with them
        .set    ESRCH, -3
        .set    EFAULT, -14
        .set    EINVAL, -22
        .set    REQUEUE, 0x84           # FUTEX_CMP_REQUEUE_PRIVATE: compares the word at its first address
        .set    WAKE_OP, 0x85           # FUTEX_WAKE_OP_PRIVATE: changes the word at its second address
        .set    ADD_NOTHING, 0x10000800 # FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, -2048)

        # On the stack.
        .set    SIGNAL, 0
        .set    CONTEXT, 8
        .set    REGION_START, 16
        .set    REGION_END, 24
        .set    FOUND, 32               # the sequence of the entry
        .set    STORES, 36              # what is done with stores
        .set    COPY, 40
        .set    SECOND, 48              # the page, mapped a second time
        .set    LOCAL, 56               # struct iovec
        .set    REMOTE, 72
        .set    FRAME_SIZE, 88

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
        lea     rcx, [rip + copying]
        cmp     [rdx + CONTEXT_RIP], rcx
        je      interrupted
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
        lookup  otherwise=foreign, ended=ended
        mov     [rsp + REGION_START], r8
        mov     [rsp + REGION_END], r9
        mov     [rsp + FOUND], eax
        mov     [rsp + STORES], ecx
        mov     rax, r13
        neg     rax
        and     r14, rax                # the page
        cmp     dword ptr [rsp + SIGNAL], SIGBUS
        jne     denied

        call    writable
        jns     done                    # another thread was faster, or the file has its end back
        mov     rdi, r14
        call    readable
        jne     refused

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

        # Counts one page in the entry, if that is still the one that was found; otherwise in the one that has the page now.
one:
        mov     rax, [rbx + SEQUENCE]   # and the faults, which are the upper half
2:      cmp     eax, [rsp + FOUND]
        jne     3f
        mov     rcx, 1 << 32
        add     rcx, rax
        lock cmpxchg [rbx + SEQUENCE], rcx
        jne     2b
        jmp     done
3:      lookup  otherwise=done, ended=ended
        mov     [rsp + FOUND], eax
        jmp     one

        # In no region. Memory that was blanked has left the table, but a fault in what was there before may still come
        # here. It cannot fault again, so whoever it belongs to, the access is simply tried again if the page allows it.
foreign:
        call    writable
        js      chain
done:
        add     rsp, FRAME_SIZE
        ret

        # The page is there, but does not allow the access. If only this process has it, it may be written to.
denied:
        test    byte ptr [rsp + STORES], UNCOUNTED
        jz      4f

        # Nobody else sees what is stored here by an atomic instruction, and its page no longer shows what others store:
        # that is counted in any case. It has the prefix LOCK, behind which an operand size may stand, or exchanges. The
        # kernel copies it, since memory of instructions need not be readable here.
        mov     qword ptr [rsp + COPY], 0
        lea     rcx, [rsp + COPY]
        mov     edx, 8
        mov     rax, [rsp + CONTEXT]
        mov     rax, [rax + CONTEXT_RIP]
        call    read
        mov     rax, [rsp + COPY]
3:      mov     ecx, eax
        shr     rax, 8
        cmp     cl, 0x66                # the size of the operand
        je      3b
        cmp     cl, 0xf0                # LOCK
        je      atomic
        xor     cl, 0x40
        cmp     cl, 0x10
        jb      3b                      # REX
        xor     cl, 0x40
        and     cl, 0xfe
        cmp     cl, 0x86                # XCHG
        jne     4f
atomic:
        and     dword ptr [rsp + STORES], ~UNCOUNTED
4:      test    byte ptr [rsp + STORES], MAKE_WRITABLE
        jz      copy
        test    byte ptr [rsp + STORES], UNCOUNTED
        jnz     4f
        call    writable
        jns     done                    # allowed by now
4:      mov     rdi, r14
        lea     rsi, [r14 + r13]
        test    byte ptr [rsp + STORES], UNCOUNTED
        jz      5f
        and     rdi, -AROUND            # with its neighbours, since a signal takes longer than to copy a page
        cmp     rdi, [rsp + REGION_START]
        cmovb   rdi, [rsp + REGION_START]
        mov     rsi, r14
        or      rsi, AROUND - 1
        inc     rsi
        cmp     rsi, [rsp + REGION_END]
        cmova   rsi, [rsp + REGION_END]
5:      sub     rsi, rdi
        mov     edx, READ_WRITE
        call    protect
        jnz     copy
        test    byte ptr [rsp + STORES], UNCOUNTED
        jnz     stored
        call    writable
        jns     one
        jmp     done                    # lost as well: counted when it is touched

        # The file system takes no stores to the page, since the disk is full or the file was made immutable.
refused:
        and     dword ptr [rsp + STORES], ~UNCOUNTED

        # A private copy takes its place.
copy:
        call    writable
        jns     done                    # allowed by now
        xor     edi, edi
        mov     rsi, r13
        mov     r10d, PRIVATE_ANONYMOUS | NORESERVE
        call    map
        cmp     rax, -4096
        jbe     6f
        mov     r10d, SHARED_ANONYMOUS | NORESERVE
        call    map
        cmp     rax, -4096
        ja      whole
6:      mov     [rsp + COPY], rax
        mov     rax, r14
        call    read_page
        je      place
        cmp     rax, EFAULT
        je      7f
        mov     rdi, r14                # the kernel was told not to copy
        call    load_page
        je      place

        # It does not allow loads either, or is lost. Without /proc, memory that is shared can be mapped a second time,
        # where nobody else changes what it allows.
7:      call    read_protected
        je      place
        mov     rdi, r14
        xor     esi, esi
        mov     rdx, r13
        mov     r10d, MAYMOVE
        mov     eax, SYS_MREMAP
        syscall
        cmp     rax, EINVAL
        je      unshared
        cmp     rax, -4096
        ja      8f
        mov     [rsp + SECOND], rax
        mov     rdi, rax
        mov     rsi, r13
        mov     edx, READ
        call    protect
        mov     rax, [rsp + SECOND]
        call    read_page
        je      9f
        mov     rdi, [rsp + SECOND]
        call    load_page
        je      9f
        and     dword ptr [rsp + STORES], ~UNCOUNTED
9:      mov     rdi, [rsp + SECOND]
        mov     rsi, r13
        mov     eax, SYS_MUNMAP
        syscall
        jmp     place

        # It has been replaced before, so it is private by now.
unshared:
        mov     rdi, r14
        mov     rsi, r13
        mov     edx, READ_WRITE
        call    protect
        jnz     8f
        call    discard
        jmp     placed

        # The kernel copies from no device, and may have reached a limit.
8:      mov     rdi, r14
        call    load_page
        je      place

lost_too:
        and     dword ptr [rsp + STORES], ~UNCOUNTED    # what the copy lacks is zeros: counted in any case

place:
        mov     eax, [rbx + SEQUENCE]
        cmp     eax, [rsp + FOUND]
        jne     gone
        mov     rdi, [rsp + COPY]
        mov     rsi, r13
        mov     rdx, r13
        mov     r10d, MAYMOVE_FIXED
        mov     r8, r14
        mov     eax, SYS_MREMAP
        syscall
        cmp     rax, r14
        je      placed
        call    discard
        jmp     whole

gone:
        call    discard
        jmp     find

placed:
        test    byte ptr [rsp + STORES], UNCOUNTED
        jz      one
stored:
        lock or dword ptr [rbx + UNIT], STORED
        jmp     done

        # Too many mappings already to put one more in. What only this process has may be written to as a whole, which
        # takes none. Everything else becomes zeros: beyond the limit only munmap works, so that there is a hole for a
        # moment; if another thread's memory falls into it, that is not replaced.
whole:
        mov     eax, [rbx + SEQUENCE]
        cmp     eax, [rsp + FOUND]
        jne     find
        cmp     dword ptr [rsp + SIGNAL], SIGBUS
        je      9f
        test    byte ptr [rsp + STORES], MAKE_WRITABLE
        jz      9f
        mov     rdi, [rsp + REGION_START]
        mov     rsi, [rsp + REGION_END]
        sub     rsi, rdi
        mov     edx, READ_WRITE
        call    protect
        jz      placed
9:      mov     r10d, SHARED_ANONYMOUS | FIXED | NORESERVE
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
        jmp     done

        # What follows is called, so the frame is 8 bytes further.

        # Whether the thread in esi has ended, with which the memory of an entry ends; equal if so. Nobody has taken the
        # entry back then, and its addresses may be anybody's. 0 is no thread. Changes rdi, rsi and r11.
        #
        # Memory that other threads may have as well counts as long as it is a file that is too short: what else is there
        # by now is not.
ended:
        test    esi, esi
        jz      unequal
        test    ecx, OUTLIVES
        jz      2f
        cmp     dword ptr [rsp + 8 + SIGNAL], SIGBUS
        je      unequal
2:
        push    rax
        push    rcx
        push    rdx
        mov     eax, SYS_GETPID
        syscall
        mov     rdi, rax
        xor     edx, edx                # no signal: only asks
        mov     eax, SYS_TGKILL
        syscall
        cmp     rax, ESRCH
        pop     rdx
        pop     rcx
        pop     rax
        ret
unequal:
        test    rsp, rsp
        ret

        # Maps the region with the flags in r10; equal if that worked.
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

        # mprotect(rdi, rsi, rdx); equal if that worked.
protect:
        mov     eax, SYS_MPROTECT
        syscall
        test    rax, rax
        ret

        # Gives up the copy.
discard:
        mov     rdi, [rsp + 8 + COPY]
        mov     rsi, r13
        mov     eax, SYS_MUNMAP
        syscall
        ret

        # Has the kernel copy the page at rax to the copy; equal if all of it was there.
read_page:
        mov     rcx, [rsp + 8 + COPY]
        mov     rdx, r13
read:                                   # rdx bytes to rcx
        mov     [rsp + 8 + LOCAL], rcx
        mov     [rsp + 8 + LOCAL + 8], rdx
        mov     [rsp + 8 + REMOTE], rax
        mov     [rsp + 8 + REMOTE + 8], rdx
        mov     eax, SYS_GETPID
        syscall
        mov     rdi, rax
        lea     rsi, [rsp + 8 + LOCAL]
        mov     edx, 1
        lea     r10, [rsp + 8 + REMOTE]
        mov     r8d, 1
        xor     r9d, r9d
        mov     eax, SYS_PROCESS_VM_READV
        syscall
        cmp     rax, r13
        ret

        # Has the kernel copy the page at r14 to the copy, whatever it allows; equal if all of it was there.
read_protected:
        mov     edi, AT_FDCWD
        lea     rsi, [rip + memory]
        mov     edx, READ_CLOEXEC
        mov     eax, SYS_OPENAT
        syscall
        test    eax, eax
        js      unequal
        mov     edi, eax
        mov     rsi, [rsp + 8 + COPY]
        mov     rdx, r13
        mov     r10, r14
        mov     eax, SYS_PREAD64
        syscall
        mov     r8, rax
        mov     eax, SYS_CLOSE
        syscall
        cmp     r8, r13
        ret
memory: .asciz  "/proc/self/mem"

        # Loads the page at rdi into the copy; equal if all of it was there. It looks first, so that it seldom interrupts
        # itself.
load_page:
        call    readable
        je      unequal
        mov     rsi, rdi
        mov     rdi, [rsp + 8 + COPY]
        mov     rcx, r13
        cld
copying:
        rep movsb
copied: test    rcx, rcx                # what is left
        ret

        # Whether the page at rdi can be loaded from: has the kernel look at the word there. Equal if it cannot.
readable:
        lea     r8, [r12 + IDLE]
        mov     esi, REQUEUE
        call    futex
        cmp     rax, EFAULT
        ret

        # Whether the address in r14 can be stored to: has the kernel add 0 to the word there. Negative if it cannot.
writable:
        lea     rdi, [r12 + IDLE]
        mov     r8, r14
        and     r8, -4
        mov     esi, WAKE_OP
        mov     r9d, ADD_NOTHING
futex:
        xor     edx, edx
        xor     r10d, r10d
        mov     eax, SYS_FUTEX
        syscall
        test    rax, rax
        ret

        # The load of a page has failed. Goes on behind it.
interrupted:
        lea     rcx, [rip + copied]
        mov     [rdx + CONTEXT_RIP], rcx
        jmp     done

        # Not ours: to the handler that was there before, as if it had been called by the kernel.
chain:
        mov     rax, [rsp + CONTEXT]
        mov     rax, [rax + CONTEXT_MASK]
        mov     ecx, [rsp + SIGNAL]
        dec     ecx
        bts     rax, rcx                # its own signal waits
        mov     [rsp + LOCAL], rax
        mov     edi, SIG_SETMASK
        lea     rsi, [rsp + LOCAL]
        xor     edx, edx
        mov     r10d, 8
        mov     eax, SYS_RT_SIGPROCMASK
        syscall
        mov     rdi, [rsp + SIGNAL]
        mov     rdx, [rsp + CONTEXT]
        mov     rsi, r15
        add     rsp, FRAME_SIZE
        mov     rax, [r12 + OLD_SIGBUS]
        cmp     edi, SIGBUS
        je      10f
        mov     rax, [r12 + OLD_SIGSEGV]
10:     cmp     rax, 1
        ja      11f
        jb      default                 # SIG_DFL
        cmp     dword ptr [rsi + INFO_CODE], 0
        jg      default                 # SIG_IGN does not hold for faults: they would go on for ever
        ret
11:     jmp     rax

        # What the system does without any handler: the access is tried again and ends the process as it should.
default:
        mov     ebx, edi
        lea     rsi, [r12 + DEFAULT_ACTION]
        xor     edx, edx
        mov     r10d, 8
        mov     eax, SYS_RT_SIGACTION
        syscall
        cmp     dword ptr [r15 + INFO_CODE], 0
        jg      12f
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
12:     ret
