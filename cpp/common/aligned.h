// Uninitialized arrays aligned to a cache line.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace muzero {

inline constexpr std::size_t kCacheLine = 64;  // bytes

struct AlignedDelete {
  void operator()(void* p) const { ::operator delete[](p, std::align_val_t{kCacheLine}); }
};

template <typename T>
using AlignedArray = std::unique_ptr<T[], AlignedDelete>;

template <typename T>
AlignedArray<T> allocate_aligned(std::size_t count) {
  static_assert(std::is_trivial_v<T>);
  return AlignedArray<T>(
      static_cast<T*>(::operator new[](count * sizeof(T), std::align_val_t{kCacheLine})));
}

}  // namespace muzero
