const SIZE = 128 * 1024;

/** Bytes that are being written, in a buffer that grows. */
export class ByteSink {
  bytes: Buffer = Buffer.allocUnsafe(SIZE);
  length = 0;

  /** Makes room for so many more. */
  room(count: number): void {
    if (this.length + count > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.length + count, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
  }

  /** Adds one byte, for which there is room. */
  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** Adds bytes of another buffer. */
  copy(from: Buffer, start: number, end: number): void {
    const count = end - start;
    this.room(count);
    if (count < LOOP) {
      // A call costs more than a few bytes by hand.
      const { bytes } = this;
      let at = this.length;
      for (let next = start; next < end; next += 1) {
        bytes[at++] = from[next] as number;
      }
    } else {
      from.copy(this.bytes, this.length, start, end);
    }
    this.length += count;
  }

  text(text: string): void {
    this.room(text.length * 3);
    this.length += this.bytes.write(text, this.length);
  }

  /** Gives away what was written. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.allocUnsafe(SIZE);
    this.length = 0;
    return taken;
  }
}

/** Up to so many bytes are copied by hand. */
const LOOP = 48;
