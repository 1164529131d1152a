// The library. Each platform has a prefix beside this file. The archive for Unreal of `cargo xtask dist` has
// all of them, and this file. Or `cmake --install` writes one:
//
//     cmake -S dcc-cancel -B build && cmake --build build
//     cmake --install build --prefix <plugin>/Source/ThirdParty/DccCancel/Linux     (or Win64, Mac)
//
// Add -DCMAKE_INSTALL_LIBDIR=lib if CMake would choose lib64 or lib/<architecture>.

using System.IO;
using UnrealBuildTool;

public class DccCancel : ModuleRules
{
	public DccCancel(ReadOnlyTargetRules Target) : base(Target)
	{
		Type = ModuleType.External;

		string Prefix = Path.Combine(ModuleDirectory, Target.Platform.ToString());
		if (!File.Exists(Path.Combine(Prefix, "include", "dcc_cancel.hpp")))
		{
			throw new BuildException(
				"dcc-cancel is not installed in " + Prefix + ": run cmake --install with that --prefix");
		}
		PublicSystemIncludePaths.Add(Path.Combine(Prefix, "include"));

		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			PublicAdditionalLibraries.Add(Path.Combine(Prefix, "lib", "dcc_cancel.lib"));
			// Loaded with a delay, so that StartupModule can load it from the plugin's own folder first.
			PublicDelayLoadDLLs.Add("dcc_cancel.dll");
			RuntimeDependencies.Add(
				"$(BinaryOutputDir)/dcc_cancel.dll", Path.Combine(Prefix, "bin", "dcc_cancel.dll"));
		}
		else if (Target.Platform == UnrealTargetPlatform.Linux)
		{
			// The linker uses this name, the loader the name with the ABI's major: that file is staged.
			PublicAdditionalLibraries.Add(Path.Combine(Prefix, "lib", "libdcc_cancel.so"));
			RuntimeDependencies.Add(
				"$(BinaryOutputDir)/libdcc_cancel.so.2", Path.Combine(Prefix, "lib", "libdcc_cancel.so.2"));
		}
		else if (Target.Platform == UnrealTargetPlatform.Mac)
		{
			PublicAdditionalLibraries.Add(Path.Combine(Prefix, "lib", "libdcc_cancel.dylib"));
			RuntimeDependencies.Add(
				"$(BinaryOutputDir)/libdcc_cancel.2.dylib",
				Path.Combine(Prefix, "lib", "libdcc_cancel.2.dylib"));
		}
		else
		{
			throw new BuildException("dcc-cancel is not built for " + Target.Platform);
		}
	}
}
