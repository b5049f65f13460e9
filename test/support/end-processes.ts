import { afterAll } from "vitest";
import { endProcesses } from "./powercrud-process.ts";

afterAll(endProcesses);
