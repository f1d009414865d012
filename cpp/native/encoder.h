// Runs the representation network on many windows at once, divided among threads.
#pragma once

#include <vector>

#include "networks/representation.h"
#include "parallel/thread_pool.h"

namespace muzero::native {

class Encoder {
 public:
  Encoder(const networks::RepresentationSizes& sizes, const networks::Arithmetic& arithmetic,
          int threads);

  networks::RepresentationNetwork& network() { return network_; }

  // Observation [windows, W, F] -> latent [windows, D].
  void encode(const float* observation, int windows, float* latent);

 private:
  networks::RepresentationNetwork network_;
  parallel::ThreadPool pool_;
  std::vector<networks::RepresentationWorkspace> workspaces_;  // one per thread
};

}  // namespace muzero::native
