// Sizes of the networks of a model of the market alone.
#pragma once

#include <vector>

#include "networks/window_mlp.h"

namespace muzero::networks {

struct MarketSizes {
  WindowSizes window;  // of each member
  int members;         // sets of networks, each of which has a part of a latent
  int outcomes;        // C
  int positions;       // P; position 0 is flat
  int longest;         // of the positions, the one with the largest exposure
  int shortest;        // and the one with the smallest
  int clusters;        // G
  // What the worth head is told next to the latent where nothing else is: I known inputs. None
  // where it reads the market alone.
  std::vector<float> usual;
  // Where worth ends with the session: decisions of one, of which the first input is the share
  // that is left. Else 0.
  int session_bars;
};

}  // namespace muzero::networks
