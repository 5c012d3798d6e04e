# The front door. Everything real is done by meson and by the programs under scripts/.
.PHONY: fuzz

# make fuzz TARGET=log [SECONDS=600]: looks for new inputs, starting from the seeds.
SECONDS ?= 600
fuzz:
	@test -n "$(TARGET)" || { echo 'say which: make fuzz TARGET=NAME, a name out of tests/fuzz/fuzz_NAME.c'; exit 2; }
	@test -d build-fuzz || CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	ninja -C build-fuzz tests/fuzz/fuzz_$(TARGET)
	mkdir -p build-fuzz/corpus/$(TARGET)
	build-fuzz/tests/fuzz/fuzz_$(TARGET) -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 \
		build-fuzz/corpus/$(TARGET) tests/fuzz/seeds/$(TARGET)
