-- DropIndex
DROP INDEX "city_country_code_idx";

-- CreateIndex
CREATE INDEX "city_country_code_id_idx" ON "city"("country_code", "id");
