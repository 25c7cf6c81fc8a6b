// A partner of named_partners_test.ts in C++, with Boost.Interprocess: named create|open NAME. See named.py for what it
// does.
#include <atomic>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <chrono>
#include <string>
#include <thread>

using namespace boost::interprocess;

constexpr int COUNT = 1000;
constexpr int SIZE = 64 + 8 * COUNT;

static void wait_for(const std::atomic<int> &flag, int value) {
  for (int milliseconds = 0; flag.load() != value; milliseconds++) {
    if (milliseconds > 30000) throw std::runtime_error("nobody came");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

int main(int, char **arguments) {
  const bool creates = std::string(arguments[1]) == "create";
  const char *name = arguments[2];
  shared_memory_object memory =
      creates ? shared_memory_object(create_only, name, read_write) : shared_memory_object(open_only, name, read_write);
  if (creates) memory.truncate(SIZE);
  mapped_region region(memory, read_write);
  if (region.get_size() != SIZE) return 5;
  auto &flag = *static_cast<std::atomic<int> *>(region.get_address());
  double *numbers = reinterpret_cast<double *>(static_cast<char *>(region.get_address()) + 64);

  if (!creates) {
    wait_for(flag, 1);
    for (int index = 0; index < COUNT; index++) numbers[index] *= 2;
    flag.store(2);
    return 0;
  }
  for (int index = 0; index < COUNT; index++) numbers[index] = index;
  flag.store(1);
  wait_for(flag, 2);
  for (int index = 0; index < COUNT; index++) {
    if (numbers[index] != 2.0 * index) return 4;
  }
  return shared_memory_object::remove(name) ? 0 : 6;
}
