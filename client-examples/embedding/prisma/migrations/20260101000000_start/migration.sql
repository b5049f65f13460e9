CREATE TABLE "Shelf" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, CONSTRAINT "Shelf_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "Shelf_name_key" ON "Shelf" ("name");
CREATE TABLE "Product" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  "stock" INTEGER NOT NULL DEFAULT 0,
  "shelfId" INTEGER NOT NULL,
  CONSTRAINT "Product_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "Product_shelfId_fkey" FOREIGN KEY ("shelfId") REFERENCES "Shelf" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX "Product_shelfId_idx" ON "Product" ("shelfId");
CREATE TABLE "Count" (
  "taskId" UUID NOT NULL,
  "productId" INTEGER NOT NULL,
  CONSTRAINT "Count_pkey" PRIMARY KEY ("taskId", "productId"),
  CONSTRAINT "Count_productId_fkey" FOREIGN KEY ("productId") REFERENCES "Product" ("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
