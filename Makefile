# The front door. Everything real is done by meson and by the programs under scripts/.
#
#   make run      a private server on 127.0.0.1:2525, state in ./var
#   make test     all tests                     (NO_INSTALL=1: only check what is missing)
#   make install  into DESTDIR
.PHONY: run test test-tsan sim bench fuzz format lint install clean

INSTALL_DEPS = scripts/install-deps $(if $(NO_INSTALL),--no-install)
SECONDS ?= 600
SIM ?= spool
RELEASE = build/release
PLAIN = $(shell git ls-files '*.c' '*.h')

run: $(RELEASE)/nuncio
	exec $(RELEASE)/nuncio serve --try

.PHONY: $(RELEASE)/nuncio
$(RELEASE)/nuncio:
	$(INSTALL_DEPS) build
	@test -f $(RELEASE)/build.ninja || meson setup $(RELEASE) --buildtype=release -Doptimization=2 -Ddebug=true -Dtests=false >/dev/null
	ninja -C $(RELEASE) --quiet

test:
	$(INSTALL_DEPS) build test
	scripts/test $(if $(NO_INSTALL),--no-install)

# The unit tests under ThreadSanitizer: everything with threads in it.
test-tsan:
	$(INSTALL_DEPS) build unit
	@test -f build/tsan/build.ninja || meson setup build/tsan -Db_sanitize=thread -Db_lundef=false >/dev/null
	ninja -C build/tsan --quiet
	meson test -C build/tsan --no-rebuild --print-errorlogs

# The spool on a machine that breaks, without end; ends with the seed of a broken promise.
sim:
	$(INSTALL_DEPS) build unit
	@test -f build/test/build.ninja || meson setup build/test -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	ninja -C build/test --quiet tests/sim/sim_$(SIM)
	build/test/tests/sim/sim_$(SIM) --runs 0 --seed $${SEED:-$$(date +%s)}

bench: $(RELEASE)/nuncio
	$(INSTALL_DEPS) test
	tests/bench/bench.py
	tests/bench/world.py
	tests/bench/world.py --tls
	tests/bench/trust.py

# make fuzz TARGET=log [SECONDS=600]: looks for new inputs, starting from the seeds.
fuzz:
	@test -n "$(TARGET)" || { echo 'say which: make fuzz TARGET=NAME, a name out of tests/fuzz/fuzz_NAME.c'; exit 2; }
	$(INSTALL_DEPS) build unit lint
	@test -f build/fuzz/build.ninja || CC=clang meson setup build/fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	ninja -C build/fuzz --quiet tests/fuzz/fuzz_$(TARGET)
	mkdir -p build/fuzz/corpus/$(TARGET)
	build/fuzz/tests/fuzz/fuzz_$(TARGET) -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix=build/fuzz/ build/fuzz/corpus/$(TARGET) tests/fuzz/seeds/$(TARGET)

format:
	$(INSTALL_DEPS) lint
	clang-format -i $(PLAIN)

# Of cppcheck's checks three are left out: uninitvar and ctuuninitvar, since it does not see the loops
# in the lists of utlist.h set their variable (the compilers and clang's analyzer do), and
# ctunullpointer, which takes the encoding and the decoding of a message for one function.
lint:
	$(INSTALL_DEPS) build lint
	@test -f build/lint/build.ninja || CC=clang meson setup build/lint -Dtests=false >/dev/null
	clang-format --dry-run --Werror $(PLAIN)
	run-clang-tidy -quiet -p build/lint 'src/.*\.c$$'
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=uninitvar --suppress=ctuuninitvar --suppress=ctunullpointer -Isrc -D__linux__ src

install: $(RELEASE)/nuncio
	DESTDIR="$(DESTDIR)" meson install -C $(RELEASE) --no-rebuild

clean:
	rm -rf build
