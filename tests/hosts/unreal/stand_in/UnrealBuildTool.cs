// Stand-in for UnrealBuildTool of Unreal Engine 5: only what the example's rules use, so that they are
// compiled and run without the SDK

using System;
using System.Collections.Generic;

namespace UnrealBuildTool
{
	public class BuildException : Exception
	{
		public BuildException(string Message) : base(Message) {}
	}

	public enum CppStandardVersion { Default, Cpp17, Cpp20 }

	public sealed class UnrealTargetPlatform
	{
		public static readonly UnrealTargetPlatform Win64 = new UnrealTargetPlatform("Win64");
		public static readonly UnrealTargetPlatform Linux = new UnrealTargetPlatform("Linux");
		public static readonly UnrealTargetPlatform Mac = new UnrealTargetPlatform("Mac");

		readonly string Name;
		UnrealTargetPlatform(string InName) { Name = InName; }
		public override string ToString() { return Name; }
	}

	public class ReadOnlyTargetRules
	{
		public UnrealTargetPlatform Platform;
		/** Where the module that is made next lies. */
		public string StandInDirectory;
	}

	public class RuntimeDependencyList
	{
		public readonly List<string[]> StandInAll = new List<string[]>();
		public void Add(string InPath, string InSourcePath)
		{
			StandInAll.Add(new[] { InPath, InSourcePath });
		}
	}

	public class ModuleRules
	{
		public enum ModuleType { CPlusPlus, External }
		public enum PCHUsageMode { Default, UseExplicitOrSharedPCHs }

		public ModuleRules(ReadOnlyTargetRules Target) { ModuleDirectory = Target.StandInDirectory; }

		public ModuleType Type = ModuleType.CPlusPlus;
		public PCHUsageMode PCHUsage = PCHUsageMode.Default;
		public CppStandardVersion CppStandard = CppStandardVersion.Default;
		public bool bEnableExceptions = true;
		public bool bUseRTTI = true;
		public readonly string ModuleDirectory;
		public readonly List<string> PrivateDependencyModuleNames = new List<string>();
		public readonly List<string> PublicSystemIncludePaths = new List<string>();
		public readonly List<string> PublicAdditionalLibraries = new List<string>();
		public readonly List<string> PublicDelayLoadDLLs = new List<string>();
		public readonly RuntimeDependencyList RuntimeDependencies = new RuntimeDependencyList();
	}

	/** rules.exe <module> <platform> <its folder>: what the module's rules name, a line each. */
	static class StandInProgram
	{
		static UnrealTargetPlatform PlatformOf(string Name)
		{
			UnrealTargetPlatform[] All =
				{ UnrealTargetPlatform.Win64, UnrealTargetPlatform.Linux, UnrealTargetPlatform.Mac };
			foreach (UnrealTargetPlatform Known in All)
			{
				if (Known.ToString() == Name)
				{
					return Known;
				}
			}
			throw new ArgumentException(Name);
		}

		static int Main(string[] Arguments)
		{
			ReadOnlyTargetRules Target = new ReadOnlyTargetRules();
			Target.Platform = PlatformOf(Arguments[1]);
			Target.StandInDirectory = Arguments[2];
			ModuleRules Rules;
			try
			{
				Rules = (ModuleRules)Activator.CreateInstance(System.Type.GetType(Arguments[0]), Target);
			}
			catch (System.Reflection.TargetInvocationException Failure)
			{
				Console.WriteLine(Failure.InnerException.Message);
				return 1;
			}
			if (Rules.Type == ModuleRules.ModuleType.CPlusPlus && (Rules.bEnableExceptions || Rules.bUseRTTI))
			{
				Console.WriteLine("exceptions or RTTI are enabled");
				return 1;
			}
			Console.WriteLine("type " + Rules.Type);
			if (Rules.CppStandard != CppStandardVersion.Default)
			{
				Console.WriteLine("standard " + Rules.CppStandard);
			}
			Rules.PrivateDependencyModuleNames.ForEach(Name => Console.WriteLine("module " + Name));
			Rules.PublicSystemIncludePaths.ForEach(Path => Console.WriteLine("include " + Path));
			Rules.PublicAdditionalLibraries.ForEach(Path => Console.WriteLine("library " + Path));
			Rules.PublicDelayLoadDLLs.ForEach(Name => Console.WriteLine("delayed " + Name));
			Rules.RuntimeDependencies.StandInAll.ForEach(
				Staged => Console.WriteLine("stage " + Staged[0] + "\nfrom " + Staged[1]));
			return 0;
		}
	}
}
