import type { ASTVisitor, ValidationContext } from "graphql";
import { GraphQLError } from "graphql";
import type { Plugin } from "graphql-yoga";

/** Refuses documents that ask for the schema, on every transport. `__typename` is no such question. */
export function refuseIntrospection(): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(withoutIntrospection) };
}

function withoutIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.name.value === "__schema" || node.name.value === "__type") {
        const message = `This service does not show its schema (${node.name.value}). Its operator can change that with the setting POWERCRUD_INTROSPECTION.`;
        context.reportError(new GraphQLError(message, { nodes: node }));
      }
    },
  };
}
