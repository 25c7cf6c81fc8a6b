# The exception handler of the guard, for Windows on x86-64. The bytes are in handler_x64.ts; a test assembles this file
# and compares.
#
#   LONG handler(EXCEPTION_POINTERS *exception /* rcx */)
#
# It is entered for every exception of the process. If a page of a region in the table does not allow a store, the page
# becomes a private copy. If a page of a region cannot be read in, the whole view becomes zeros, since Windows cannot
# replace a single page of it. A region that has grown in its place has several views. Then the page is counted, and the instruction runs again. If the entry says so, a
# store is not counted. Everything else goes on to whoever else handles exceptions, unless the page allows the access by
# now.
#
# It calls only system calls that take no lock, and touches only the table and the stack. Registers are kept as the
# calling convention of Windows wants it.

        .intel_syntax noprefix
        .include "layout.S"
        .include "lookup_x64.S"

        # Header, behind the first word.
        .set    VIRTUAL_QUERY, 64       # functions of kernel32
        .set    VIRTUAL_PROTECT, 72
        .set    UNMAP_VIEW, 80
        .set    VIRTUAL_ALLOC, 88
        .set    SLEEP, 112
        .set    UNMAP_VIEW_2, 120       # and of kernelbase; 0 on a Windows that has no placeholders
        .set    VIRTUAL_ALLOC_2, 128

        # EXCEPTION_RECORD.
        .set    RECORD_CODE, 0
        .set    RECORD_ACCESS, 0x20     # ExceptionInformation[0]
        .set    RECORD_ADDRESS, 0x28    # ExceptionInformation[1]
        .set    STORE, 1                # 0 is a load, 8 a jump there

        .set    ACCESS_VIOLATION, 0xc0000005
        .set    IN_PAGE_ERROR, 0xc0000006
        .set    CONTINUE_EXECUTION, -1
        .set    CONTINUE_SEARCH, 0

        .set    PAGE_READWRITE, 0x04
        .set    PAGE_WRITECOPY, 0x08
        .set    READABLE, 0xee          # every protection is one bit: those that allow loads
        .set    WRITABLE, 0xcc          # and those that allow stores
        .set    MEM_COMMIT, 0x1000
        .set    MEM_COMMIT_RESERVE, 0x3000
        .set    MEM_PRESERVE_PLACEHOLDER, 2
        .set    MEM_REPLACE_PLACEHOLDER, 0x4000
        .set    THIS_PROCESS, -1
        .set    MEM_PRIVATE, 0x20000

        # On the stack, above the 32 bytes that belong to whatever is called: a MEMORY_BASIC_INFORMATION and more.
        .set    INFORMATION, 32
        .set    INFORMATION_SIZE, 48
        .set    INFORMATION_ALLOCATION, 32 + 8
        .set    INFORMATION_LENGTH, 32 + 24
        .set    INFORMATION_STATE, 32 + 32
        .set    INFORMATION_PROTECTION, 32 + 36
        .set    INFORMATION_TYPE, 32 + 40
        .set    OLD_PROTECTION, 80
        .set    VIEW_START, 88
        .set    VIEW_END, 96
        .set    STORES, 104             # what is done with stores
        .set    FRAME_SIZE, 112

        # Milliseconds in which a thread comes from taking a view away to putting harmless memory there.
        .set    LONGEST_WAIT, 1000

        # Asks about the page at r14.
        .macro  query otherwise
        mov     rcx, r14
        lea     rdx, [rsp + INFORMATION]
        mov     r8d, INFORMATION_SIZE
        call    [r12 + VIRTUAL_QUERY]
        test    rax, rax
        jz      \otherwise
        .endm

        # Tries again if the page allows the access by now: another thread has dealt with it.
        .macro  again_if_allowed
        mov     eax, READABLE
        mov     ecx, WRITABLE
        cmp     qword ptr [rsi + RECORD_ACCESS], STORE
        cmove   eax, ecx
        test    [rsp + INFORMATION_PROTECTION], eax
        jnz     again
        .endm

        .text
handler:
        endbr64
        push    rbx
        push    rsi
        push    rdi
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, FRAME_SIZE
        mov     rsi, [rcx]              # EXCEPTION_RECORD
        lea     r12, [rip + handler - CODE + HEADER]
        mov     edi, [rsi + RECORD_CODE]
        mov     r14, [rsi + RECORD_ADDRESS]
        cmp     edi, IN_PAGE_ERROR
        je      find
        cmp     edi, ACCESS_VIOLATION
        jne     pass
        cmp     qword ptr [rsi + RECORD_ACCESS], STORE
        ja      pass

find:
        lookup  otherwise=unknown
        mov     [rsp + STORES], ecx
        mov     r15d, LONGEST_WAIT

look:
        query   otherwise=pass
        cmp     dword ptr [rsp + INFORMATION_STATE], MEM_COMMIT
        jne     wait
        cmp     edi, IN_PAGE_ERROR
        je      lost
        again_if_allowed
        cmp     qword ptr [rsi + RECORD_ACCESS], STORE
        jne     pass

        # The page does not allow the store: it becomes a copy. Memory that has no file is nobody else's anyway.
        mov     r8d, PAGE_READWRITE
        cmp     dword ptr [rsp + INFORMATION_TYPE], MEM_PRIVATE
        je      change
        mov     r8d, PAGE_WRITECOPY
change:
        mov     rcx, r13
        neg     rcx
        and     rcx, r14                # the page
        mov     rdx, r13
        lea     r9, [rsp + OLD_PROTECTION]
        call    [r12 + VIRTUAL_PROTECT]
        test    eax, eax
        jz      wait                    # perhaps the region has gone meanwhile
        test    byte ptr [rsp + STORES], UNCOUNTED
        jnz     uncounted
        lock inc dword ptr [rbx + FAULTS]
        jmp     again
uncounted:
        lock or dword ptr [rbx + UNIT], STORED
        jmp     again

        # Nothing is there, or not what was there before: another thread is about to put memory there that is harmless to
        # touch.
wait:
        dec     r15d
        jz      pass
        mov     ecx, 1
        call    [r12 + SLEEP]
        jmp     look

        # No region, or none any more.
unknown:
        cmp     edi, IN_PAGE_ERROR
        je      pass
        query   otherwise=pass
        cmp     dword ptr [rsp + INFORMATION_STATE], MEM_COMMIT
        jne     pass
        again_if_allowed
        jmp     pass

        # The page cannot be read in: zeros take the place of its view, unless another thread has put them there. In a
        # placeholder nobody else can take it meanwhile. The view ends where pages belong to something else.
lost:
        cmp     dword ptr [rsp + INFORMATION_TYPE], MEM_PRIVATE
        je      again
        mov     rcx, [rsp + INFORMATION_ALLOCATION]
        mov     [rsp + VIEW_START], rcx
measure:
        mov     [rsp + VIEW_END], rcx
        lea     rdx, [rsp + INFORMATION]
        mov     r8d, INFORMATION_SIZE
        call    [r12 + VIRTUAL_QUERY]
        test    rax, rax
        jz      measured
        mov     rax, [rsp + INFORMATION_ALLOCATION]
        cmp     rax, [rsp + VIEW_START]
        jne     measured
        mov     rcx, [rsp + VIEW_END]
        add     rcx, [rsp + INFORMATION_LENGTH]
        jmp     measure
measured:
        mov     rax, [r12 + UNMAP_VIEW_2]
        test    rax, rax
        jz      without_placeholder
        mov     rcx, THIS_PROCESS
        mov     rdx, [rsp + VIEW_START]
        mov     r8d, MEM_PRESERVE_PLACEHOLDER
        call    rax
        test    eax, eax
        jz      without_placeholder
        mov     rcx, THIS_PROCESS
        mov     rdx, [rsp + VIEW_START]
        mov     r8, [rsp + VIEW_END]
        sub     r8, rdx
        mov     r9d, MEM_COMMIT_RESERVE | MEM_REPLACE_PLACEHOLDER
        mov     qword ptr [rsp + 32], PAGE_READWRITE
        mov     qword ptr [rsp + 40], 0
        mov     qword ptr [rsp + 48], 0
        call    [r12 + VIRTUAL_ALLOC_2]
        jmp     replaced
without_placeholder:
        mov     rcx, [rsp + VIEW_START]
        call    [r12 + UNMAP_VIEW]
        test    eax, eax
        jz      wait                    # another thread was faster
        mov     rcx, [rsp + VIEW_START]
        mov     rdx, [rsp + VIEW_END]
        sub     rdx, rcx
        mov     r8d, MEM_COMMIT_RESERVE
        mov     r9d, PAGE_READWRITE
        call    [r12 + VIRTUAL_ALLOC]
replaced:
        cmp     rax, [rsp + VIEW_START]
        jne     pass
        mov     rax, [rsp + VIEW_END]
        sub     rax, [rsp + VIEW_START]
        xor     edx, edx
        div     r13
        lock add [rbx + FAULTS], eax
again:
        mov     eax, CONTINUE_EXECUTION
        jmp     leave
pass:
        mov     eax, CONTINUE_SEARCH
leave:
        add     rsp, FRAME_SIZE
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rdi
        pop     rsi
        pop     rbx
        ret
