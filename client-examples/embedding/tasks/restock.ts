import { setTimeout as delay } from "node:timers/promises";
import { defineTask } from "powercrud-graphql";
import { z } from "zod";
import { generated } from "../generated/powercrud.ts";

/** Where webhooks go; without one, nobody is told. */
const receiver = process.env["RECEIVER_URL"];

/** Adds to the stock of every product of a shelf, one after the other. */
export const restock = defineTask({
  kind: "restock",
  description: "Adds to the stock of every product of a shelf.",
  generated,
  model: "Shelf",
  input: z.object({
    shelf: z.int32(),
    amount: z.int32().min(1).max(100).default(1),
    pauseMs: z.int32().min(0).default(0).describe("Waits after each product"),
  }),
  label: ({ input }) => `restock shelf ${input.shelf}`,
  // Nobody else changes the products meanwhile.
  claims: ({ input }) => [{ model: "Shelf", ids: [String(input.shelf)] }],
  retries: { max: 3 },
  notify: receiver ? [{ channel: "WEBHOOK", target: receiver }] : [],
  async run({ input, task, signal, progress, prisma }) {
    const products = await prisma.product.findMany({
      where: { shelfId: input.shelf },
      orderBy: { id: "asc" },
    });
    // What an attempt has done that died is not done again.
    const counted = await prisma.count.findMany({ where: { taskId: task.id } });
    const done = new Set(counted.map(({ productId }) => productId));
    progress.total(products.length);
    progress.add(done.size);
    for (const { id, name } of products.filter((product) => !done.has(product.id))) {
      signal.throwIfAborted();
      // The note and the change are one transaction: a crash leaves both or none.
      await prisma.$transaction([
        prisma.count.create({ data: { taskId: task.id, productId: id } }),
        prisma.product.update({ where: { id }, data: { stock: { increment: input.amount } } }),
      ]);
      progress.add(1, name);
      await delay(input.pauseMs, undefined, { signal });
    }
    return { products: products.length };
  },
});
