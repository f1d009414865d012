#include "networks/scratch.h"

#include "common/aligned.h"

namespace muzero::networks {

std::byte* scratch(std::size_t bytes) {
  thread_local AlignedArray<std::byte> memory;
  thread_local std::size_t room = 0;
  if (bytes > room) {
    memory = allocate_aligned<std::byte>(bytes);
    room = bytes;
  }
  return memory.get();
}

}  // namespace muzero::networks
