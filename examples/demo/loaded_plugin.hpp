// A plugin loaded at run time, as hosts do.
#pragma once

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "smoothing.h"

namespace demo {

class loaded_plugin {
public:
    explicit loaded_plugin(const std::string &path)
        : library_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL), dlclose)
    {
        if (!library_)
            throw std::runtime_error(dlerror());
        using entry = decltype(&smoothing_plugin_entry);
        const entry get = reinterpret_cast<entry>(dlsym(library_.get(), SMOOTHING_PLUGIN_ENTRY));
        if (get == nullptr)
            throw std::runtime_error(dlerror());
        functions_ = get();
    }

    const smoothing_plugin *operator->() const { return functions_; }

private:
    std::unique_ptr<void, int (*)(void *)> library_;
    const smoothing_plugin *functions_ = nullptr;
};

} // namespace demo
