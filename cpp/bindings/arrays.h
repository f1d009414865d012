// Passes NumPy arrays into and out of the core, with checks.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "search/params.h"

namespace muzero::bindings {

namespace nb = nanobind;

template <typename T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

// An array that owns its data.
template <typename T>
using Out = nb::ndarray<nb::numpy, T>;

template <typename T>
Out<T> to_numpy(std::vector<T>&& values, std::vector<std::size_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Out<T>(owned->data(), shape.size(), shape.data(), owner);
}

template <typename T>
Out<T> column(std::vector<T> values) {
  const std::size_t n = values.size();
  return to_numpy(std::move(values), {n});
}

inline std::string text(const std::vector<std::size_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    out += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return out + "]";
}

template <typename T>
const T* checked(const char* name, const In<T>& array, std::vector<std::size_t> shape) {
  std::vector<std::size_t> got;
  for (std::size_t i = 0; i < array.ndim(); ++i) got.push_back(array.shape(i));
  if (got != shape) {
    throw search::SearchError(std::string(name) + " has shape " + text(got) + ", expected " +
                              text(shape));
  }
  return array.data();
}

template <typename T>
std::vector<T> copied(const char* name, const In<T>& array, std::vector<std::size_t> shape) {
  const T* first = checked(name, array, std::move(shape));
  return {first, first + array.size()};
}

// Marks an object as busy during a call without the GIL; a concurrent caller gets an error.
class Exclusive {
 public:
  explicit Exclusive(std::atomic_flag& busy) : busy_(busy) {
    if (busy_.test_and_set(std::memory_order_acquire)) {
      throw search::SearchError(
          "this object is at work in another thread; use one for each thread");
    }
  }
  ~Exclusive() { busy_.clear(std::memory_order_release); }
  Exclusive(const Exclusive&) = delete;
  Exclusive& operator=(const Exclusive&) = delete;

 private:
  std::atomic_flag& busy_;
};

}  // namespace muzero::bindings
