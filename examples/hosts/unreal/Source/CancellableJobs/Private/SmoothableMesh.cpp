#include "SmoothableMesh.h"

#include "Async/AsyncWork.h"

#include "DccCancel.h"

namespace
{
	/** So many vertices between two polls: some microseconds of work. */
	constexpr int32 VerticesPerPoll = 256;
}

FSmoothableMesh FSmoothableMesh::MakeBumpySheet(int32 Side)
{
	FSmoothableMesh Mesh;
	for (int32 Row = 0; Row < Side; ++Row)
	{
		for (int32 Column = 0; Column < Side; ++Column)
		{
			const int32 Vertex = Row * Side + Column;
			const float Bump = static_cast<float>((Row * 7 + Column * 13) % 11) - 5.0f;
			Mesh.Positions.Add(FVector3f(static_cast<float>(Column), static_cast<float>(Row), Bump));
			Mesh.FirstNeighbour.Add(Mesh.Neighbours.Num());
			if (Row > 0 && Column > 0 && Row + 1 < Side && Column + 1 < Side)
			{
				Mesh.Neighbours.Append({Vertex - 1, Vertex + 1, Vertex - Side, Vertex + Side});
			}
		}
	}
	Mesh.FirstNeighbour.Add(Mesh.Neighbours.Num());
	return Mesh;
}

double FSmoothableMesh::Roughness(const FSmoothableMesh& Mesh, const TArray<FVector3f>& Positions)
{
	double Sum = 0.0;
	for (int32 Vertex = 0; Vertex < Positions.Num(); ++Vertex)
	{
		const int32 First = Mesh.FirstNeighbour[Vertex];
		const int32 End = Mesh.FirstNeighbour[Vertex + 1];
		FVector3f Middle(0.0f, 0.0f, 0.0f);
		for (int32 At = First; At < End; ++At)
		{
			Middle += Positions[Mesh.Neighbours[At]];
		}
		if (End > First)
		{
			Sum += static_cast<double>((Middle / static_cast<float>(End - First) - Positions[Vertex]).Size());
		}
	}
	return Positions.Num() > 0 ? Sum / Positions.Num() : 0.0;
}

FMeshSmoothing::FMeshSmoothing(FSharedMesh InMesh, int32 InPasses)
	: Mesh(MoveTemp(InMesh)), Present(Mesh->Positions), Next(Present), TotalPasses(InPasses)
{
}

bool FMeshSmoothing::SmoothRange(int32 First, int32 End)
{
	const dcc::poller Cancelled;
	for (int32 Vertex = First; Vertex < End;)
	{
		// For most jobs a poll is a load and a compare. In a slow task it is a call, so few vertices poll.
		if (Cancelled())
		{
			return false;
		}
		for (const int32 BlockEnd = FMath::Min(Vertex + VerticesPerPoll, End); Vertex < BlockEnd; ++Vertex)
		{
			const int32 FirstAt = Mesh->FirstNeighbour[Vertex];
			const int32 EndAt = Mesh->FirstNeighbour[Vertex + 1];
			FVector3f Sum = Present[Vertex];
			for (int32 At = FirstAt; At < EndAt; ++At)
			{
				Sum += Present[Mesh->Neighbours[At]];
			}
			Next[Vertex] = Sum / static_cast<float>(EndAt - FirstAt + 1);
		}
	}
	return true;
}

void FMeshSmoothing::EndPass()
{
	Swap(Present, Next);
	NextVertex = 0;
	++Passes;
}

bool FMeshSmoothing::SmoothSome(int32 MaxVertices)
{
	const int32 End = FMath::Min(NextVertex + MaxVertices, Present.Num());
	if (!SmoothRange(NextVertex, End))
	{
		return false; // the result of the unfinished pass is not used
	}
	NextVertex = End;
	if (NextVertex == Present.Num())
	{
		EndPass();
	}
	return true;
}

namespace
{
	/** One part of a pass. It runs on a thread of a pool. */
	class FSmoothRangeTask : public FNonAbandonableTask
	{
	public:
		FSmoothRangeTask(
			FMeshSmoothing& InSmoothing, const dcc::context& InContext, int32 InFirst, int32 InEnd)
			: Smoothing(InSmoothing), Context(InContext), First(InFirst), End(InEnd)
		{
		}

		void DoWork()
		{
			// A thread of a pool has no current job until it enters the captured context.
			const dcc::context_scope Entered(Context);
			bIsWhole = Smoothing.SmoothRange(First, End);
		}

		bool IsWhole() const { return bIsWhole; }

		FORCEINLINE TStatId GetStatId() const
		{
			RETURN_QUICK_DECLARE_CYCLE_STAT(FSmoothRangeTask, STATGROUP_ThreadPoolAsyncTasks);
		}

	private:
		FMeshSmoothing& Smoothing;
		const dcc::context& Context;
		int32 First;
		int32 End;
		bool bIsWhole = false;
	};
}

bool FMeshSmoothing::SmoothPassOn(FQueuedThreadPool& Pool)
{
	dcc::context Context;
	if (dcc::context::try_capture(Context) < 0)
	{
		return SmoothSome(Present.Num()); // without a context this thread does the whole pass
	}
	const int32 NumParts = FMath::Max(Pool.GetNumThreads(), 1);
	TArray<TUniquePtr<FAsyncTask<FSmoothRangeTask>>> Parts;
	for (int32 Part = 0; Part < NumParts; ++Part)
	{
		const int32 First = static_cast<int32>(int64(Present.Num()) * Part / NumParts);
		const int32 End = static_cast<int32>(int64(Present.Num()) * (Part + 1) / NumParts);
		Parts.Add(MakeUnique<FAsyncTask<FSmoothRangeTask>>(*this, Context, First, End));
		Parts.Last()->StartBackgroundTask(&Pool);
	}
	bool bIsWhole = true;
	for (const TUniquePtr<FAsyncTask<FSmoothRangeTask>>& Part : Parts)
	{
		// If no thread has begun the part yet, it is taken back and done here. So jobs that fill the pool do
		// not wait for each other for ever.
		Part->EnsureCompletion();
		bIsWhole = Part->GetTask().IsWhole() && bIsWhole;
	}
	if (bIsWhole)
	{
		EndPass();
	}
	return bIsWhole;
}
