# What the handlers for x86-64 share: finding the entry of the table that an address lies in.

        # Goes on below if the address in r14 lies in an entry: rbx is the entry, r8 to r9 its region, r13 the size of
        # its pages. Goes to \otherwise if it lies in none. r12 is the header. eax and ecx are changed.
        #
        # An entry may change while it is read, but then its sequence changes too.
        .macro  lookup otherwise
        mov     ecx, [r12 + COUNT]
        test    ecx, ecx
        jle     \otherwise
        lea     rbx, [r12 + TABLE - HEADER]
.Lentry:
        mov     eax, [rbx + SEQUENCE]
        test    al, 1
        jz      .Lnext
        mov     r8, [rbx + START]
        mov     r9, [rbx + END]
        mov     r13d, [rbx + UNIT]
        cmp     r14, r8
        jb      .Lnext
        cmp     r14, r9
        jae     .Lnext
        cmp     eax, [rbx + SEQUENCE]
        je      .Lfound
.Lnext:
        add     rbx, ENTRY_SIZE
        dec     ecx
        jnz     .Lentry
        jmp     \otherwise
.Lfound:
        .endm
