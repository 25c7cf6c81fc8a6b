/* The memory around a handler, as layout.ts makes it: the code, a header, a table of the regions that are guarded. */

        .set    CODE, 64
        .set    HEADER, 0x10000
        .set    TABLE, 0x20000

        /* Header; what is behind the first word is each handler's own. */
        .set    COUNT, 0                /* int32: entries of the table that were ever used */

        /* Entry of the table. */
        .set    START, 0                /* uint64: first address */
        .set    END, 8                  /* uint64: address behind the last */
        .set    SEQUENCE, 16            /* int32: odd while the entry is valid; another number at every change */
        .set    FAULTS, 20              /* int32: pages that were replaced */
        .set    UNIT, 24                /* uint32: size of its pages, and in the lowest bits what is done with stores */
        .set    UNIT_MASK, -4096
        .set    THREAD, 28              /* int32: the thread that the memory ends with, or 0 */
        .set    MAKE_WRITABLE, 1        /* a page that a store is not allowed to may be made writable: it is copied then */
        .set    UNCOUNTED, 2            /* such stores are not counted */
        .set    STORED, 4               /* set by the handler: there were such stores */
        .set    OUTLIVES, 8             /* others may have the memory, too, when its thread has ended */
        .set    OUTLIVES_BIT, 3
        .set    ENTRY_SIZE, 32
