/** Messages whose lengths and bytes follow from their numbers, so a reader knows what should come. */

/** Bytes of the number that each of them begins with. */
const NUMBER = 4;

/** Message number `number`, of at most `longest` bytes. None is empty. */
export function messageAt(number: number, longest: number): Uint8Array<ArrayBuffer> {
  const length = NUMBER + (number % 50 === 49 ? longest - NUMBER : (number * 7919 >>> 3) % (longest - NUMBER + 1));
  const message = new Uint8Array(length).fill(number * 31);
  new DataView(message.buffer).setUint32(0, number, true);
  return message;
}

/** The number of a message. Throws unless all of the message is as it ought to be. */
export function numberOf(message: Uint8Array, longest: number): number {
  const number = new DataView(message.buffer, message.byteOffset).getUint32(0, true);
  const wanted = messageAt(number, longest);
  const at = message.length === wanted.length ? wanted.findIndex((byte, index) => byte !== message[index]) : -2;
  if (at === -1) return number;
  throw new Error(`message ${number} of ${message.length} bytes is wrong at ${at}, wanted ${wanted.length} bytes`);
}
