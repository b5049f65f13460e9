import { defineTask } from "powercrud-graphql";
import { z } from "zod";
import { generated } from "../generated/powercrud.ts";

/** Counts what is in stock. */
export const reportStock = defineTask({
  kind: "reportStock",
  description: "Counts what is in stock.",
  generated,
  input: z.object({ below: z.int32().min(0).default(10).describe("Names products with less than this") }),
  async run({ input, prisma }) {
    const { _sum, _count } = await prisma.product.aggregate({ _sum: { stock: true }, _count: true });
    const low = await prisma.product.findMany({
      where: { stock: { lt: input.below } },
      orderBy: { id: "asc" },
    });
    return { products: _count, stock: _sum.stock ?? 0, low: low.map(({ name }) => name) };
  },
});
