# The exception handler of the guard, for Windows on x86-64. The bytes are in handler_x64.ts. A test assembles this file
# and compares the two.
#
#   LONG handler(EXCEPTION_POINTERS *exception /* rcx */)
#
# It is entered for every exception of the process. If a page of a region in the table does not allow a store, the page
# becomes a private copy. If a page of a region cannot be read in, the whole region becomes zeros, since Windows cannot
# replace a single page of a view. Then the page is counted, and the instruction runs again. Everything else goes on to
# whoever else handles exceptions.
#
# It calls VirtualQuery, VirtualProtect, UnmapViewOfFile and VirtualAlloc, which are system calls and take no lock. It
# touches only the table and the stack. Registers are kept as the calling convention of Windows wants it.

        .intel_syntax noprefix
        .include "layout.S"
        .include "lookup_x64.S"

        # Header, behind the first word.
        .set    VIRTUAL_QUERY, 64       # functions of kernel32
        .set    VIRTUAL_PROTECT, 72
        .set    UNMAP_VIEW, 80
        .set    VIRTUAL_ALLOC, 88

        # EXCEPTION_RECORD.
        .set    RECORD_CODE, 0
        .set    RECORD_ACCESS, 0x20     # ExceptionInformation[0]
        .set    RECORD_ADDRESS, 0x28    # ExceptionInformation[1]
        .set    STORE, 1

        .set    ACCESS_VIOLATION, 0xc0000005
        .set    IN_PAGE_ERROR, 0xc0000006
        .set    CONTINUE_EXECUTION, -1
        .set    CONTINUE_SEARCH, 0

        .set    PAGE_READWRITE, 0x04
        .set    PAGE_WRITECOPY, 0x08
        .set    MEM_COMMIT_RESERVE, 0x3000
        .set    MEM_PRIVATE, 0x20000

        # On the stack, above the 32 bytes that belong to whatever is called: a MEMORY_BASIC_INFORMATION and more.
        .set    INFORMATION, 32
        .set    INFORMATION_SIZE, 48
        .set    INFORMATION_TYPE, 32 + 40
        .set    OLD_PROTECTION, 80
        .set    REGION_START, 88
        .set    REGION_END, 96
        .set    FRAME_SIZE, 112

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
        jne     pass

find:
        lookup  otherwise=pass
        mov     [rsp + REGION_START], r8
        mov     [rsp + REGION_END], r9
        cmp     edi, IN_PAGE_ERROR
        je      lost

        # The page does not allow the store: it becomes a copy. Memory that has no file is nobody else's anyway.
        mov     rax, r13
        neg     rax
        and     r14, rax                # the page
        mov     rcx, r14
        lea     rdx, [rsp + INFORMATION]
        mov     r8d, INFORMATION_SIZE
        call    [r12 + VIRTUAL_QUERY]
        test    rax, rax
        jz      pass
        mov     r8d, PAGE_WRITECOPY
        cmp     dword ptr [rsp + INFORMATION_TYPE], MEM_PRIVATE
        jne     3f
        mov     r8d, PAGE_READWRITE
3:      mov     rcx, r14
        mov     rdx, r13
        lea     r9, [rsp + OLD_PROTECTION]
        call    [r12 + VIRTUAL_PROTECT]
        test    eax, eax
        jz      pass
        lock inc dword ptr [rbx + FAULTS]
        jmp     again

        # The page cannot be read in: zeros take the place of the region.
lost:
        mov     rcx, [rsp + REGION_START]
        call    [r12 + UNMAP_VIEW]
        mov     rcx, [rsp + REGION_START]
        mov     rdx, [rsp + REGION_END]
        sub     rdx, rcx
        mov     r8d, MEM_COMMIT_RESERVE
        mov     r9d, PAGE_READWRITE
        call    [r12 + VIRTUAL_ALLOC]
        cmp     rax, [rsp + REGION_START]
        jne     pass
        mov     rax, [rsp + REGION_END]
        sub     rax, [rsp + REGION_START]
        xor     edx, edx
        div     r13
        mov     [rbx + FAULTS], eax
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
