// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/result.hpp"

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace bench {

/// results.csv: each figure of each round.
inline void write_csv(std::ostream& out, const std::vector<result>& results) {
  out << "work,who,round,figure,value\n";
  for (const result& each : results)
    for (const auto& [who, rounds] : each.rounds)
      for (std::size_t round = 0; round < rounds.size(); ++round)
        for (const auto& [figure, value] : rounds[round])
          out << '"' << each.what.name << "\"," << who << ',' << round << ',' << figure << ','
              << value << '\n';
}

} // namespace bench
