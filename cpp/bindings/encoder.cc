#include "bindings/encoder.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/parameters.h"
#include "common/integers.h"
#include "native/encoder.h"

namespace muzero::bindings {
namespace {

class EncoderFace {
 public:
  EncoderFace(const networks::RepresentationSizes& sizes, const networks::Arithmetic& arithmetic,
              int threads)
      : encoder_(sizes, arithmetic, threads) {}

  NamedShapes parameters() { return named_shapes(encoder_.network().parameters()); }

  void load(const Arrays& arrays) {
    const Exclusive exclusive(busy_);
    load_parameters(encoder_.network().parameters(), arrays);
  }

  Out<float> encode(const In<float>& observation) {
    const Exclusive exclusive(busy_);
    const networks::RepresentationSizes& sizes = encoder_.network().sizes();
    const std::size_t windows = observation.ndim() == 3 ? observation.shape(0) : 0;
    const std::size_t width = as_size(sizes.width);
    const float* first = checked("observation", observation,
                                 {windows, as_size(sizes.window_bars), as_size(sizes.features)});
    std::vector<float> latent(windows * width);
    {
      const nb::gil_scoped_release release;
      encoder_.encode(first, static_cast<int>(windows), latent.data());
    }
    return to_numpy(std::move(latent), {windows, width});
  }

 private:
  native::Encoder encoder_;
  std::atomic_flag busy_;
};

}  // namespace

void add_encoder(nb::module_& m) {
  nb::class_<EncoderFace>(m, "Encoder")
      .def(
          "__init__",
          [](EncoderFace* self, int features, int window_bars, int channels, int kernel, int width,
             int blocks, const std::string& kernels, int threads, const std::string& precision) {
            new (self) EncoderFace({features, window_bars, channels, kernel, width, blocks},
                                   arithmetic_named(kernels, precision), threads);
          },
          nb::kw_only(), nb::arg("features"), nb::arg("window_bars"), nb::arg("channels"),
          nb::arg("kernel"), nb::arg("width"), nb::arg("blocks"), nb::arg("kernels"),
          nb::arg("threads"), nb::arg("precision") = "float32")
      .def("parameters", &EncoderFace::parameters)
      .def("load", &EncoderFace::load, nb::arg("arrays"))
      .def("encode", &EncoderFace::encode, nb::arg("observation"));
}

}  // namespace muzero::bindings
