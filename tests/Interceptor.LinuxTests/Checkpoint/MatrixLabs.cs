namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>A lab for each lock, made when it is first asked for and kept for all cases.</summary>
public sealed class MatrixLabs : IDisposable
{
    private readonly Dictionary<MatrixLock, MatrixLab> _labs = [];

    internal MatrixLab this[MatrixLock kind]
    {
        get
        {
            if (!_labs.TryGetValue(kind, out MatrixLab? lab))
            {
                _labs[kind] = lab = new MatrixLab(kind);
            }

            return lab;
        }
    }

    public void Dispose()
    {
        foreach (MatrixLab lab in _labs.Values)
        {
            lab.Dispose();
        }
    }
}
