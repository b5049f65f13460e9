import type { GraphQLResolveInfo } from "graphql";
import { buildSchema, execute, parse } from "graphql";
import { expect, test } from "vitest";
import type { Access } from "../../../../src/core/access/access.ts";
import type { Viewer } from "../../../../src/core/access/viewer.ts";
import { planWithScopes } from "../../../../src/graphql/models/kept-plans.ts";
import type { ModelPorts } from "../../../../src/graphql/models/model-schema.ts";

const SCHEMA = buildSchema("type Query { cities(first: Int): Int }");
const ANN = { id: "ann" };
const BOB = { id: "bob" };

/** What a resolver is told of the field in the document. */
function infoOf(source: string): GraphQLResolveInfo {
  let found: GraphQLResolveInfo | undefined;
  const cities = (_args: unknown, _context: unknown, info: GraphQLResolveInfo): null => {
    found = info;
    return null;
  };
  void execute({ schema: SCHEMA, document: parse(source), rootValue: { cities } });
  return found as GraphQLResolveInfo;
}

/** Gives each viewer records of their own. */
const RULES: Access = {
  isAllowed: () => true,
  scope: (_model, viewer) => ({ owner: { equals: viewer.id } }),
  isFieldAllowed: () => true,
};

const scopeOf = (ports: ModelPorts, viewer: Viewer): unknown => ports.access.scope("City", viewer, "READ");

test("a plan around a kept one holds only for viewers of whom the rules say the same about both", () => {
  const ports = { access: RULES } as ModelPorts;
  const info = infoOf("{ cities }");
  const inner = (within: ModelPorts, viewer: Viewer): unknown =>
    planWithScopes(within, { viewer, info }, { kind: "inner", nodes: [] }, (noted) => scopeOf(noted, viewer));
  const outer = (viewer: Viewer): unknown =>
    planWithScopes(ports, { viewer, info }, { kind: "outer", nodes: [] }, (noted) => inner(noted, viewer));
  expect(inner(ports, ANN)).toEqual({ owner: { equals: "ann" } });
  expect(outer(ANN)).toEqual({ owner: { equals: "ann" } });
  expect(outer(BOB)).toEqual({ owner: { equals: "bob" } });
  expect(outer(ANN)).toEqual({ owner: { equals: "ann" } });
});
