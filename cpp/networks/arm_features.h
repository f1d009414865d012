// What this arm64 processor can do beyond its architecture's baseline.
#pragma once

namespace muzero::networks {

struct ArmFeatures {
  bool fhm = false;       // FMLAL: float16 products into float32 sums
  bool dot = false;       // SDOT: int8 products into int32 sums
  bool bfloat16 = false;  // BFMLAL: bfloat16 products into float32 sums
  bool sme = false;       // outer products into the matrix unit's array, in streaming mode
};

// As the system reports them. A system that does not know a feature has not got it, even where the
// processor has: it would not keep its registers.
ArmFeatures arm_features();

}  // namespace muzero::networks
