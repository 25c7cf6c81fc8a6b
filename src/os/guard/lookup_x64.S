# What the handlers for x86-64 have in common: finding the entry of the table that an address lies in.

        # Goes on behind itself if the address in r14 lies in an entry: rbx is the entry, eax its sequence, r8 to r9 its
        # region, r13 the size of its pages, ecx what is done with stores. Goes to \otherwise if it lies in none. r12 is
        # the header. \ended, if there is one, says whether the thread in esi has ended, by being equal; then the entry is
        # not looked at. It may change rdi, rsi and r11.
        #
        # An entry may change while it is read, but then its sequence does.
        .macro  lookup otherwise, ended
        mov     edx, [r12 + COUNT]
        test    edx, edx
        jle     \otherwise
        lea     rbx, [r12 + TABLE - HEADER]
.Lentry\@:
        mov     eax, [rbx + SEQUENCE]
        test    al, 1
        jz      .Lnext\@
        mov     r8, [rbx + START]
        mov     r9, [rbx + END]
        mov     ecx, [rbx + UNIT]
        .ifnb   \ended
        mov     esi, [rbx + THREAD]
        .endif
        cmp     r14, r8
        jb      .Lnext\@
        cmp     r14, r9
        jae     .Lnext\@
        cmp     eax, [rbx + SEQUENCE]
        .ifb    \ended
        je      .Lfound\@
        .else
        jne     .Lnext\@
        call    \ended
        jne     .Lfound\@
        .endif
.Lnext\@:
        add     rbx, ENTRY_SIZE
        dec     edx
        jnz     .Lentry\@
        jmp     \otherwise
.Lfound\@:
        mov     r13d, ecx
        and     r13d, UNIT_MASK
        .endm
