
#include "scenario.h"
const struct scenario executor_scenarios[] = {{0}};
