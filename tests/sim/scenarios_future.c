
#include "scenario.h"
const struct scenario future_scenarios[] = {{0}};
