import { AppError } from "../../kernel/app-error.ts";
import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Field, Model } from "./model.ts";

/** @throws AppError FORBIDDEN if the viewer may read no record of the model */
export function refuseModel(access: Pick<Access, "isAllowed">, viewer: Viewer, model: Model): void {
  if (!access.isAllowed(model.name, viewer, "READ")) {
    throw new AppError("FORBIDDEN", `You may not read any ${model.apiName}.`);
  }
}

/** @throws AppError FORBIDDEN if the viewer may not read the field: an order or a group tells as much as the value */
export function refuseHidden(access: Access, viewer: Viewer, model: Model, field: Field): void {
  if (!access.isFieldAllowed(model.name, field.name, viewer, "READ")) {
    throw new AppError("FORBIDDEN", `You may not read ${model.apiName}.${field.apiName}.`);
  }
}
