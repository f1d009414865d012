#!/bin/sh
# scipy-openblas32 0.3.34.481.3 for arm64 Linux: on a processor with SME it takes the core armv9sme,
# whose sgemm leaves C as it is where it should add to it: the kernel is empty, and all that tells is
# a line on stderr. Named NEOVERSEN1, it computes right. Needs Debian on x86-64: it emulates one.
# Seen: "armv9sme: 1, should be 17", "empty sgemm_alpha_beta2x2 should never get called!!!", and
# "neoversen1: 17, should be 17". Exits 1 if the first finds 17 or the second does not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
pip="${PYTHON:-python3} -m pip -q --disable-pip-version-check"
$pip install --target zig ziglang==0.17.1
$pip install --target wheel --no-deps --only-binary :all: --python-version 3.11 \
    --platform manylinux_2_28_aarch64 scipy-openblas32==0.3.34.481.3
mkdir -p lists/partial
apt="apt-get -qq -o APT::Sandbox::User=root -o Dir::State::Lists=$folder/lists"
$apt update
$apt download qemu-user-static
apt="$apt -o APT::Architecture=arm64 -o APT::Architectures=arm64"
$apt update
$apt download libc6 libgcc-s1 libgfortran5
for package in *.deb; do dpkg-deb --extract "$package" root; done

cat >sums.c <<'PROGRAM'
#include <stdio.h>
void scipy_cblas_sgemm(int, int, int, int, int, int, float, const float*, int, const float*, int,
                       float, float*, int);
const char* scipy_openblas_get_corename(void);
int main(void) {
  static float ones[256], sums[256];
  for (int i = 0; i < 256; ++i) ones[i] = sums[i] = 1;
  scipy_cblas_sgemm(101, 111, 111, 16, 16, 16, 1, ones, 16, ones, 16, 1, sums, 16);
  printf("%s: %g, should be 17\n", scipy_openblas_get_corename(), sums[0]);
  return sums[0] != 17;
}
PROGRAM
PYTHONPATH=zig "${PYTHON:-python3}" -m ziglang cc -target aarch64-linux-gnu.2.28 -o sums sums.c \
    wheel/scipy_openblas32/lib/libscipy_openblas.so -Wl,--allow-shlib-undefined
emulated="root/usr/bin/qemu-aarch64-static -L root -cpu max,sme-default-vector-length=64
    -E LD_LIBRARY_PATH=wheel/scipy_openblas32/lib"
if $emulated ./sums; then exit 1; fi
$emulated -E OPENBLAS_CORETYPE=NEOVERSEN1 ./sums
