/** Asks until there is an answer, ever less often: every 0 to 10 ms. */
export async function poll<Answer>(ask: () => Answer | undefined): Promise<Answer> {
  for (let wait = 0;; wait = Math.min(wait + 1, 10)) {
    const answer = ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
