// The arrays that a network is loaded from, named as in the model.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace muzero::networks {

struct Parameter {
  std::string name;
  std::vector<int> shape;
  std::function<void(const float*)> load;  // copies the array, row-major, into the network
};

}  // namespace muzero::networks
