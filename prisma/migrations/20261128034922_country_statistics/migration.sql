-- AlterTable
ALTER TABLE "city" ADD COLUMN     "population_share" DOUBLE PRECISION,
ADD COLUMN     "rank_in_country" INTEGER;

-- AlterTable
ALTER TABLE "country" ADD COLUMN     "city_count" INTEGER;
