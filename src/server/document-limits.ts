import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  SelectionSetNode,
} from "graphql";
import { Kind } from "graphql";

/**
 * The largest document that is validated. Validation takes time for each of its parts, and for some of their pairs, so it is
 * measured before: by one walk, which ends at the first limit.
 */
export const DOCUMENT_LIMITS = Object.freeze({
  /** Words, numbers, texts and brackets. Counted by the parser, which stops there. */
  tokens: 10_000,
  /** Selections within selections, those of fragments too. */
  depth: 50,
  aliases: 1_000,
  directives: 500,
  /** Definitions of variables; and variables that a request gives, defined or not. */
  variables: 500,
  /** `__schema` and `__type`: each may tell the whole schema, in one go. */
  introspections: 5,
  /** Comparisons of fields that have the same name in one answer, as of `{a a a}` each with the others. */
  comparisons: 100_000,
});

/** What a document may have too many of. */
export type DocumentLimit = keyof typeof DOCUMENT_LIMITS;

/** The limit that the document is above; undefined if it is above none. It need not be valid. */
export function exceededLimit(document: DocumentNode): DocumentLimit | undefined {
  const walk = new DocumentWalk(document);
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      walk.operation(definition);
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      walk.fragment(definition.name.value, 1);
    }
  }
  return walk.exceeded;
}

/** The fields of one name in one answer. */
interface SameName {
  readonly count: number;
  /** What it may take to compare them with fields like them, with all below. */
  readonly cost: number;
}

/** The fields of a selection by their names in the answer, with those of its fragments. */
interface Measured {
  readonly names: ReadonlyMap<string, SameName>;
  /** Levels of selections. */
  readonly height: number;
}

const NOTHING: Measured = { names: new Map(), height: 0 };
/** Arguments are compared by their text. */
const CHARACTERS_PER_COMPARISON = 16;

class DocumentWalk {
  exceeded: DocumentLimit | undefined;
  readonly #counts = { aliases: 0, directives: 0, variables: 0, introspections: 0, comparisons: 0 };
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Fragments, measured once; those that are being measured count as nothing: validation refuses a circle. */
  readonly #known = new Map<string, Measured>();

  constructor({ definitions }: DocumentNode) {
    this.#fragments = new Map(
      definitions.flatMap((one) =>
        one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
      ),
    );
  }

  operation({ directives = [], variableDefinitions = [], selectionSet }: OperationDefinitionNode): void {
    this.#count("variables", variableDefinitions.length);
    this.#count("directives", directives.length);
    for (const variable of variableDefinitions) {
      this.#count("directives", variable.directives?.length ?? 0);
    }
    this.#set(selectionSet, 1);
  }

  fragment(name: string, depth: number): Measured {
    const known = this.#known.get(name);
    if (known !== undefined) {
      this.#checkDepth(depth + known.height);
      return known;
    }
    const fragment = this.#fragments.get(name);
    if (fragment === undefined) {
      return NOTHING;
    }
    this.#known.set(name, NOTHING);
    this.#count("directives", fragment.directives?.length ?? 0);
    const measured = this.#set(fragment.selectionSet, depth);
    this.#known.set(name, measured);
    return measured;
  }

  /** @param depth of the selections in the set */
  #set({ selections }: SelectionSetNode, depth: number): Measured {
    this.#checkDepth(depth);
    const names = new Map<string, SameName>();
    let height = 0;
    for (const selection of selections) {
      if (this.exceeded !== undefined) {
        return NOTHING;
      }
      this.#count("directives", selection.directives?.length ?? 0);
      if (selection.kind === Kind.FIELD) {
        const { cost, below } = this.#field(selection, depth);
        this.#add(names, (selection.alias ?? selection.name).value, { count: 1, cost });
        height = Math.max(height, below);
      } else {
        const part =
          selection.kind === Kind.INLINE_FRAGMENT
            ? this.#set(selection.selectionSet, depth + 1)
            : this.fragment(selection.name.value, depth + 1);
        part.names.forEach((same, name) => this.#add(names, name, same));
        height = Math.max(height, part.height);
      }
    }
    return { names, height: height + 1 };
  }

  #field(
    { alias, name, arguments: given = [], selectionSet }: FieldNode,
    depth: number,
  ): { readonly cost: number; readonly below: number } {
    this.#count("aliases", alias === undefined ? 0 : 1);
    this.#count("introspections", name.value === "__schema" || name.value === "__type" ? 1 : 0);
    const { names, height } = selectionSet === undefined ? NOTHING : this.#set(selectionSet, depth + 1);
    let cost = 1;
    for (const { loc } of given) {
      cost += loc === undefined ? 1 : (loc.end - loc.start) / CHARACTERS_PER_COMPARISON;
    }
    for (const same of names.values()) {
      cost += same.count * same.cost;
    }
    return { cost, below: height };
  }

  /** Adds fields to those of the same name: each is compared with each. */
  #add(names: Map<string, SameName>, name: string, { count, cost }: SameName): void {
    const same = names.get(name);
    if (same === undefined) {
      names.set(name, { count, cost });
      return;
    }
    this.#count("comparisons", count * same.cost + same.count * cost);
    names.set(name, { count: same.count + count, cost: same.cost + cost });
  }

  #checkDepth(depth: number): void {
    if (depth > DOCUMENT_LIMITS.depth) {
      this.exceeded ??= "depth";
    }
  }

  #count(what: Exclude<DocumentLimit, "tokens" | "depth">, more: number): void {
    this.#counts[what] += more;
    if (this.#counts[what] > DOCUMENT_LIMITS[what]) {
      this.exceeded ??= what;
    }
  }
}
