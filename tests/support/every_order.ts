/** Runs a program again and again, until it has taken every way that its choices allow. */
export async function everyOrder(
  run: (choose: (options: number) => number) => Promise<void>,
): Promise<number> {
  const path: { taken: number; readonly options: number }[] = [];
  for (let runs = 1;; runs++) {
    let depth = 0;
    try {
      await run((options) => {
        const step = path[depth++] ??= { taken: 0, options };
        if (step.options !== options) throw new Error("the program does not only depend on its choices");
        return step.taken;
      });
    } catch (error) {
      throw new Error(`run ${runs}, choices ${path.map(({ taken }) => taken)}`, { cause: error });
    }
    while (path.length > 0 && path[path.length - 1].taken + 1 >= path[path.length - 1].options) path.pop();
    if (path.length === 0) return runs;
    path[path.length - 1].taken++;
  }
}
