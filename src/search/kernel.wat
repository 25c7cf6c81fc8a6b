;; Counts and finds bytes in a copy of a part of a region. `node tools/kernel.ts` assembles this into kernel.ts.
;;
;; The copy begins at address 0. `from` and `to` bound where an occurrence may begin. Loads may reach up to 64 bytes
;; beyond what they are about, so there must be memory, and its contents do not matter. Positions are stored as 32-bit
;; numbers from `out` on. Up to 4 more of them than there are may be stored.
(module
  (memory (export "memory") 21)

  ;; How many bytes from `from` to `to` are `byte`.
  (func (export "count") (param $from i32) (param $to i32) (param $byte i32) (result i32)
    (local $wanted v128) (local $ones v128) (local $sum v128) (local $end i32) (local $rest i64)
    (local.set $wanted (i8x16.splat (local.get $byte)))
    (block $blocks_done
      (loop $blocks
        (br_if $blocks_done (i32.gt_u (i32.add (local.get $from) (i32.const 64)) (local.get $to)))
        ;; As many rounds as the 8 bits of a lane have room for: each adds up to 4.
        (local.set $end
          (i32.add (local.get $from)
            (i32.shl
              (select (i32.const 63) (i32.shr_u (i32.sub (local.get $to) (local.get $from)) (i32.const 6))
                (i32.gt_u (i32.shr_u (i32.sub (local.get $to) (local.get $from)) (i32.const 6)) (i32.const 63)))
              (i32.const 6))))
        (local.set $ones (v128.const i64x2 0 0))
        (loop $rounds
          ;; A lane that is equal is -1.
          (local.set $ones
            (i8x16.sub (local.get $ones)
              (i8x16.add
                (i8x16.add
                  (i8x16.eq (v128.load (local.get $from)) (local.get $wanted))
                  (i8x16.eq (v128.load offset=16 (local.get $from)) (local.get $wanted)))
                (i8x16.add
                  (i8x16.eq (v128.load offset=32 (local.get $from)) (local.get $wanted))
                  (i8x16.eq (v128.load offset=48 (local.get $from)) (local.get $wanted))))))
          (local.set $from (i32.add (local.get $from) (i32.const 64)))
          (br_if $rounds (i32.lt_u (local.get $from) (local.get $end))))
        (local.set $sum
          (i32x4.add (local.get $sum)
            (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $ones)))))
        (br $blocks)))
    ;; Fewer than 64 are left.
    (local.set $rest
      (i64.and
        (call $equal (local.get $from) (local.get $wanted))
        (i64.sub
          (i64.shl (i64.const 1) (i64.extend_i32_u (i32.sub (local.get $to) (local.get $from))))
          (i64.const 1))))
    (i32.add
      (i32.wrap_i64 (i64.popcnt (local.get $rest)))
      (i32.add
        (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
        (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum))))))

  ;; Stores where bytes are that are `byte`. Returns the end of what is stored.
  (func (export "findByte") (param $from i32) (param $to i32) (param $byte i32) (param $out i32) (result i32)
    (local $wanted v128) (local $bits i64) (local $next i32)
    (local.set $wanted (i8x16.splat (local.get $byte)))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
        (local.set $bits
          (i64.and
            (call $equal (local.get $from) (local.get $wanted))
            (call $before (local.get $from) (local.get $to))))
        (local.set $next
          (i32.add (local.get $out) (i32.shl (i32.wrap_i64 (i64.popcnt (local.get $bits))) (i32.const 2))))
        (block $stored
          (loop $bits_left
            (br_if $stored (i64.eqz (local.get $bits)))
            ;; Four at a time, even if there are fewer: a branch that is not foreseen costs more than all of them.
            (i32.store (local.get $out) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
            (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
            (i32.store offset=4 (local.get $out) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
            (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
            (i32.store offset=8 (local.get $out) (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
            (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
            (i32.store offset=12
              (local.get $out)
              (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
            (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
            (local.set $out (i32.add (local.get $out) (i32.const 16)))
            (br $bits_left)))
        (local.set $out (local.get $next))
        (local.set $from (i32.add (local.get $from) (i32.const 64)))
        (br $blocks)))
    (local.get $out))

  ;; Stores where the `length` bytes at `needle` begin, without those that overlap with one before. `one` and `other`
  ;; say which two bytes of the needle are looked for. Returns the end of what is stored. It hardly calls anything: Bun
  ;; does not inline functions with vectors, and takes twice as long after a call that was not made in the beginning.
  (func (export "find") (param $from i32) (param $to i32) (param $needle i32) (param $length i32)
    (param $one i32) (param $other i32) (param $out i32) (result i32)
    (local $wanted v128) (local $wanted_too v128) (local $bits i64) (local $at i32) (local $at_too i32) (local $end i32)
    (local $place i32) (local $piece i32) (local $rest i32) (local $different i32)
    (local.set $wanted (v128.load8_splat (i32.add (local.get $needle) (local.get $one))))
    (local.set $wanted_too (v128.load8_splat (i32.add (local.get $needle) (local.get $other))))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
        ;; As $equal does, for both bytes.
        (local.set $at (i32.add (local.get $from) (local.get $one)))
        (local.set $at_too (i32.add (local.get $from) (local.get $other)))
        (local.set $bits
          (i64.and
            (i64.or
              (i64.or
                (i64.extend_i32_u
                  (i8x16.bitmask
                    (v128.and
                      (i8x16.eq (v128.load (local.get $at)) (local.get $wanted))
                      (i8x16.eq (v128.load (local.get $at_too)) (local.get $wanted_too)))))
                (i64.shl
                  (i64.extend_i32_u
                    (i8x16.bitmask
                      (v128.and
                        (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $wanted))
                        (i8x16.eq (v128.load offset=16 (local.get $at_too)) (local.get $wanted_too)))))
                  (i64.const 16)))
              (i64.or
                (i64.shl
                  (i64.extend_i32_u
                    (i8x16.bitmask
                      (v128.and
                        (i8x16.eq (v128.load offset=32 (local.get $at)) (local.get $wanted))
                        (i8x16.eq (v128.load offset=32 (local.get $at_too)) (local.get $wanted_too)))))
                  (i64.const 32))
                (i64.shl
                  (i64.extend_i32_u
                    (i8x16.bitmask
                      (v128.and
                        (i8x16.eq (v128.load offset=48 (local.get $at)) (local.get $wanted))
                        (i8x16.eq (v128.load offset=48 (local.get $at_too)) (local.get $wanted_too)))))
                  (i64.const 48))))
            (call $before (local.get $from) (local.get $to))))
        (local.set $end (i32.add (local.get $from) (i32.const 64)))
        (block $looked
          (loop $bits_left
            (br_if $looked (i64.eqz (local.get $bits)))
            (local.set $at (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
            (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
            ;; Compares 16 bytes at a time. What is behind the needle does not count.
            (local.set $place (local.get $at))
            (local.set $piece (local.get $needle))
            (local.set $rest (local.get $length))
            (block $differ
              (loop $pieces
                (local.set $different
                  (i32.xor
                    (i8x16.bitmask (i8x16.eq (v128.load (local.get $place)) (v128.load (local.get $piece))))
                    (i32.const 0xffff)))
                (if (i32.gt_u (local.get $rest) (i32.const 16))
                  (then
                    (br_if $differ (local.get $different))
                    (local.set $place (i32.add (local.get $place) (i32.const 16)))
                    (local.set $piece (i32.add (local.get $piece) (i32.const 16)))
                    (local.set $rest (i32.sub (local.get $rest) (i32.const 16)))
                    (br $pieces))))
              (br_if $differ
                (i32.and
                  (local.get $different)
                  (i32.sub (i32.shl (i32.const 1) (local.get $rest)) (i32.const 1))))
              (i32.store (local.get $out) (local.get $at))
              (local.set $out (i32.add (local.get $out) (i32.const 4)))
              (local.set $at (i32.add (local.get $at) (local.get $length)))
              ;; The next one begins behind this one.
              (if (i32.ge_u (local.get $at) (local.get $end))
                (then
                  (local.set $end (local.get $at))
                  (br $looked)))
              (local.set $bits
                (i64.and
                  (local.get $bits)
                  (i64.shl (i64.const -1) (i64.extend_i32_u (i32.sub (local.get $at) (local.get $from)))))))
            (br $bits_left)))
        (local.set $from (local.get $end))
        (br $blocks)))
    (local.get $out))

  ;; A bit for each of the 64 bytes at `at`: whether it is equal.
  (func $equal (param $at i32) (param $wanted v128) (result i64)
    (i64.or
      (i64.or
        (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load (local.get $at)) (local.get $wanted))))
        (i64.shl
          (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $wanted))))
          (i64.const 16)))
      (i64.or
        (i64.shl
          (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load offset=32 (local.get $at)) (local.get $wanted))))
          (i64.const 32))
        (i64.shl
          (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load offset=48 (local.get $at)) (local.get $wanted))))
          (i64.const 48)))))

  ;; A bit for each of the 64 bytes at `from` that are before `to`.
  (func $before (param $from i32) (param $to i32) (result i64)
    (if (result i64) (i32.ge_u (i32.sub (local.get $to) (local.get $from)) (i32.const 64))
      (then (i64.const -1))
      (else
        (i64.sub
          (i64.shl (i64.const 1) (i64.extend_i32_u (i32.sub (local.get $to) (local.get $from))))
          (i64.const 1))))))
