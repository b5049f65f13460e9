/**
 * A Prisma schema of many models: each has twelve columns, an enum of its own, a unique key, and relations: to its
 * predecessor and back, to the model of its group, and every tenth many-to-many.
 */
export function manyModels(count: number): string {
  return [HEAD, ...Array.from({ length: count }, (_, at) => modelAt(at, count))].join("\n");
}

const HEAD = `
generator client {
  provider               = "prisma-client"
  output                 = "./generated/prisma"
  moduleFormat           = "esm"
  importFileExtension    = "ts"
  generatedFileExtension = "ts"
}

generator powercrud {
  provider = "powercrud-generator"
  output   = "./generated/powercrud.ts"
}

datasource db {
  provider = "postgresql"
}
`;

/** Models of a group refer to its first. */
const GROUP = 15;

function modelAt(at: number, count: number): string {
  const name = nameAt(at);
  const first = at - (at % GROUP);
  const members =
    at === first ? Array.from({ length: Math.min(GROUP, count - at) - 1 }, (_, place) => at + place + 1) : [];
  const isLinking = at % 10 === 0 && at + 1 < count;
  const isLinked = at % 10 === 1;
  return `
enum ${name}State {
  NEW
  OPEN
  CLOSED @map("closed")
}

/// Number ${at} of ${count}.
model ${name} {
  id         Int       @id @default(autoincrement())
  /// What it is called.
  title      String
  slug       String    @unique
  state      ${name}State @default(NEW)
  amount     Decimal?  @db.Decimal(12, 2)
  weight     Float     @default(0)
  count      Int       @default(0)
  isActive   Boolean   @default(true) @map("is_active")
  extra      Json?
  words      String[]
  createdAt  DateTime  @default(now()) @map("created_at")
  updatedAt  DateTime  @updatedAt @map("updated_at")
  ${at === 0 ? "" : `previousId Int? @map("previous_id")\n  previous ${nameAt(at - 1)}? @relation("chain${at}", fields: [previousId], references: [id], onDelete: SetNull)`}
  ${at + 1 === count ? "" : `next ${nameAt(at + 1)}[] @relation("chain${at + 1}")`}
  ${at === first ? "" : `ownerId Int @map("owner_id")\n  owner ${nameAt(first)} @relation("group${at}", fields: [ownerId], references: [id], onDelete: Cascade)\n  @@index([ownerId])`}
  ${members.map((member) => `members${member} ${nameAt(member)}[] @relation("group${member}")`).join("\n  ")}
  ${isLinking ? `links ${nameAt(at + 1)}[] @relation("link${at}")` : ""}
  ${isLinked ? `links ${nameAt(at - 1)}[] @relation("link${at - 1}")` : ""}
  @@unique([title, count])
  @@map("${name.toLowerCase()}")
}
`;
}

/** `ModelAa`, `ModelAb` … */
function nameAt(at: number): string {
  const letter = (place: number): string => String.fromCharCode(97 + place);
  return `Model${letter(Math.floor(at / 26)).toUpperCase()}${letter(at % 26)}`;
}
