/** Draws again and again. */
import process from "node:process";
import { print } from "../output.ts";
import { Screen } from "../screen.ts";

/** Draws every so many seconds until the program ends: on a terminal over the last frame, otherwise below it. */
export async function watch(frame: () => readonly string[], seconds: number): Promise<never> {
  const draw = process.stdout.isTTY ? drawOnScreen(frame) : (): void => print(new Date().toISOString(), ...frame(), "");
  for (;;) {
    draw();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

function drawOnScreen(frame: () => readonly string[]): () => void {
  const screen = new Screen(false);
  const draw = (): void => screen.draw(frame());
  process.stdout.on("resize", draw);
  return draw;
}
