"""SAH rolls a whole serverless stack back by repointing its Lambda aliases."""
