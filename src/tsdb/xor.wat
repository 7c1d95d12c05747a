;; Decodes chunks of floats (encoding 1, XOR) into columns. The same steps as `decodeXor` of xor.ts, which says what a chunk is; whatever
;; that refuses is refused here, and then asked of it again for the error.
(module
  ;; 0: the data, up to 65,504 bytes; 65,600: the same bytes in reverse, with room for reads beyond either end; 131,200: columns.
  (memory (export "memory") 3)

  ;; The bytes in reverse: so a load, which is little-endian, gives a big-endian integer.
  (func $reverse (param $length i32)
    (local $from i32) (local $to i32)
    ;; The last block ends at or behind the end of the data.
    (local.set $to (i32.add (i32.const 65600) (local.get $length)))
    (loop $next
      (local.set $to (i32.sub (local.get $to) (i32.const 16)))
      (v128.store (local.get $to)
        (i8x16.shuffle 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0
          (v128.load (local.get $from)) (v128.load (local.get $from))))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $length)))))

  ;; @param length bytes of the data @param count samples, at least one @param times, values: where the columns begin; @returns 1 where all is well
  (func (export "decode") (param $length i32) (param $count i32) (param $times i32) (param $values i32) (result i32)
    (local $top i32)      ;; where the first eight bytes are, in reverse
    (local $at i32)       ;; the next bit
    (local $end i32)      ;; bits
    (local $place i32)    ;; 8 × the number of the sample
    (local $last i32)
    (local $address i32)
    (local $skip i64)
    (local $bits i64)
    (local $value i64)
    (local $number i64)
    (local $shift i64)
    (local $byte i64)
    (local $round i32)
    (local $width i64)
    (local $trailing i64)
    (local $time f64)
    (local $delta f64)

    (call $reverse (local.get $length))
    (local.set $top (i32.add (i32.const 65592) (local.get $length)))
    (local.set $end (i32.shl (local.get $length) (i32.const 3)))
    (local.set $last (i32.shl (local.get $count) (i32.const 3)))

    ;; Two varints: the first time, behind which stands the first value; and the first delta.
    (local.set $at (i32.const 16))
    (loop $varints
      (local.set $number (i64.const 0))
      (local.set $shift (i64.const 0))
      (loop $varint
        ;; Beyond eight bytes it is no safe integer.
        (if (i64.gt_u (local.get $shift) (i64.const 49)) (then (return (i32.const 0))))
        (local.set $byte (i64.load8_u offset=7 (i32.sub (local.get $top) (i32.shr_u (local.get $at) (i32.const 3)))))
        (local.set $number (i64.or (local.get $number)
          (i64.shl (i64.and (local.get $byte) (i64.const 127)) (local.get $shift))))
        (local.set $shift (i64.add (local.get $shift) (i64.const 7)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (if (i32.gt_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
        (br_if $varint (i64.gt_u (local.get $byte) (i64.const 127))))
      (if (i64.gt_u (local.get $number) (i64.const 9007199254740991)) (then (return (i32.const 0))))
      (if (i32.eqz (local.get $round))
        (then
          ;; Zigzag.
          (local.set $time (f64.convert_i64_s (i64.xor
            (i64.shr_u (local.get $number) (i64.const 1))
            (i64.sub (i64.const 0) (i64.and (local.get $number) (i64.const 1))))))
          ;; Both begin at a byte.
          (local.set $value (i64.load (i32.sub (local.get $top) (i32.shr_u (local.get $at) (i32.const 3)))))
          (local.set $at (i32.add (local.get $at) (i32.const 64)))
          (if (i32.gt_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
          (f64.store (local.get $times) (local.get $time))
          (i64.store (local.get $values) (local.get $value))
          (if (i32.eq (local.get $count) (i32.const 1)) (then (return (i32.const 1))))
          (local.set $round (i32.const 1))
          (br $varints))))
    (local.set $delta (f64.convert_i64_s (local.get $number)))

    ;; Until a value has a window of its own, it is all of the 64 bits.
    (local.set $width (i64.const 64))
    ;; The second sample has no change of the delta.
    (local.set $place (i32.const 8))
    (local.set $bits (i64.shl
      (i64.load (i32.sub (local.get $top) (i32.shr_u (local.get $at) (i32.const 3))))
      (i64.extend_i32_u (i32.and (local.get $at) (i32.const 7)))))
    (loop $samples
      (local.set $time (f64.add (local.get $time) (local.get $delta)))

      ;; The value. `bits` has the next 33 at least.
      (if (i64.ge_s (local.get $bits) (i64.const 0))
        (then (local.set $at (i32.add (local.get $at) (i32.const 1))))
        (else
          (if (i64.ge_s (i64.shl (local.get $bits) (i64.const 1)) (i64.const 0))
            (then (local.set $at (i32.add (local.get $at) (i32.const 2))))
            (else
              (local.set $width (i64.and (i64.shr_u (local.get $bits) (i64.const 51)) (i64.const 63)))
              (if (i64.eqz (local.get $width)) (then (local.set $width (i64.const 64))))
              (local.set $trailing (i64.sub
                (i64.sub (i64.const 64) (i64.and (i64.shr_u (local.get $bits) (i64.const 57)) (i64.const 31)))
                (local.get $width)))
              (if (i64.lt_s (local.get $trailing) (i64.const 0)) (then (return (i32.const 0))))
              (local.set $at (i32.add (local.get $at) (i32.const 13)))))
          ;; Eight bytes, and of the ninth what is shifted in.
          (local.set $address (i32.sub (local.get $top) (i32.shr_u (local.get $at) (i32.const 3))))
          (local.set $skip (i64.extend_i32_u (i32.and (local.get $at) (i32.const 7))))
          (local.set $value (i64.xor (local.get $value)
            (i64.shl
              (i64.shr_u
                (i64.or
                  (i64.shl (i64.load (local.get $address)) (local.get $skip))
                  (i64.shr_u (i64.load8_u (i32.sub (local.get $address) (i32.const 1))) (i64.sub (i64.const 8) (local.get $skip))))
                (i64.sub (i64.const 64) (local.get $width)))
              (local.get $trailing))))
          (local.set $at (i32.add (local.get $at) (i32.wrap_i64 (local.get $width))))))
      (if (i32.gt_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (f64.store (i32.add (local.get $times) (local.get $place)) (local.get $time))
      (i64.store (i32.add (local.get $values) (local.get $place)) (local.get $value))
      (local.set $place (i32.add (local.get $place) (i32.const 8)))
      (if (i32.ge_u (local.get $place) (local.get $last))
        ;; Only the last time is looked at, as there.
        (then (return (f64.le (f64.abs (local.get $time)) (f64.const 9007199254740991)))))

      ;; The change of the delta of the next one.
      (local.set $bits (i64.shl
        (i64.load (i32.sub (local.get $top) (i32.shr_u (local.get $at) (i32.const 3))))
        (i64.extend_i32_u (i32.and (local.get $at) (i32.const 7)))))
      (if (i64.ge_s (local.get $bits) (i64.const 0))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $bits (i64.shl (local.get $bits) (i64.const 1)))
          (br $samples)))
      (if (i64.ge_s (i64.shl (local.get $bits) (i64.const 1)) (i64.const 0))
        (then
          (local.set $number (i64.and (i64.shr_u (local.get $bits) (i64.const 48)) (i64.const 0x3fff)))
          (if (i64.gt_u (local.get $number) (i64.const 0x2000))
            (then (local.set $number (i64.sub (local.get $number) (i64.const 0x4000)))))
          (local.set $delta (f64.add (local.get $delta) (f64.convert_i64_s (local.get $number))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (local.set $bits (i64.shl (local.get $bits) (i64.const 16)))
          (br $samples)))
      (if (i64.ge_s (i64.shl (local.get $bits) (i64.const 2)) (i64.const 0))
        (then
          (local.set $number (i64.and (i64.shr_u (local.get $bits) (i64.const 44)) (i64.const 0x1ffff)))
          (if (i64.gt_u (local.get $number) (i64.const 0x10000))
            (then (local.set $number (i64.sub (local.get $number) (i64.const 0x20000)))))
          (local.set $delta (f64.add (local.get $delta) (f64.convert_i64_s (local.get $number))))
          (local.set $at (i32.add (local.get $at) (i32.const 20)))
          (local.set $bits (i64.shl (local.get $bits) (i64.const 20)))
          (br $samples)))
      (if (i64.ge_s (i64.shl (local.get $bits) (i64.const 3)) (i64.const 0))
        (then
          (local.set $number (i64.and (i64.shr_u (local.get $bits) (i64.const 40)) (i64.const 0xfffff)))
          (if (i64.gt_u (local.get $number) (i64.const 0x80000))
            (then (local.set $number (i64.sub (local.get $number) (i64.const 0x100000)))))
          (local.set $delta (f64.add (local.get $delta) (f64.convert_i64_s (local.get $number))))
          (local.set $at (i32.add (local.get $at) (i32.const 24)))
          (local.set $bits (i64.shl (local.get $bits) (i64.const 24)))
          (br $samples)))
      ;; 64 bits, and the loads for what is behind them.
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (local.set $address (i32.sub (local.get $top) (i32.shr_u (local.get $at) (i32.const 3))))
      (local.set $skip (i64.extend_i32_u (i32.and (local.get $at) (i32.const 7))))
      (local.set $delta (f64.add (local.get $delta) (f64.convert_i64_s
        (i64.or
          (i64.shl (i64.load (local.get $address)) (local.get $skip))
          (i64.shr_u (i64.load8_u (i32.sub (local.get $address) (i32.const 1))) (i64.sub (i64.const 8) (local.get $skip)))))))
      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (if (i32.gt_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (local.set $bits (i64.shl
        (i64.load (i32.sub (local.get $top) (i32.shr_u (local.get $at) (i32.const 3))))
        (i64.extend_i32_u (i32.and (local.get $at) (i32.const 7)))))
      (br $samples))
    (unreachable)))
