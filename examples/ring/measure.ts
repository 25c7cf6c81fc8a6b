/** Measuring channels, in turn, so that what else the machine does is in all of the figures alike. */
import type { Channel } from "./channels.ts";

/** A channel, by what it is called, and how much is to be sent through it. */
export interface Contender {
  readonly name: string;
  readonly open: () => Channel;
  /** How many messages are streamed in a round. */
  readonly messages: number;
  /** How many go there and back in a round. */
  readonly pings: number;
}

/** What came of a channel; medians of the rounds. */
export interface Figures {
  readonly name: string;
  readonly messagesPerSecond: number;
  /** Of one message one way: half of what it takes there and back. */
  readonly microseconds: number;
}

/** Measures all of them in so many rounds. */
export async function measure(contenders: readonly Contender[], rounds: number): Promise<Figures[]> {
  const opened = contenders.map((contender) => ({
    ...contender,
    channel: contender.open(),
    seconds: [],
    latencies: [],
  }));
  // Nobody is compiled before he has run.
  for (const one of opened) await oneRound(one);
  const results: Round[][] = opened.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of opened.entries()) results[index].push(await oneRound(one));
  }
  for (const { channel } of opened) await channel.close();
  return opened.map(({ name }, index) => ({
    name,
    messagesPerSecond: median(results[index].map(({ messagesPerSecond }) => messagesPerSecond)),
    microseconds: median(results[index].map(({ microseconds }) => microseconds)),
  }));
}

type Round = Omit<Figures, "name">;

async function oneRound({ channel, messages, pings }: Contender & { readonly channel: Channel }): Promise<Round> {
  const start = performance.now();
  await channel.stream(messages);
  const middle = performance.now();
  await channel.pingPong(pings);
  const end = performance.now();
  return { messagesPerSecond: messages / (middle - start) * 1000, microseconds: (end - middle) / pings / 2 * 1000 };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}
